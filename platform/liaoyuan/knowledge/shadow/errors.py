"""What may go wrong with generations of an index, in words that say what to do."""

from liaoyuan.errors import LiaoyuanError


class GenerationBuilding(LiaoyuanError):
    code = "generation_building"
    zh = "第 {number} 代索引正在构建。请等它完成，或先停止并删除它。"
    en = "Generation {number} is being built. Wait for it, or stop and drop it first."
    status = 409


class NothingToBuild(LiaoyuanError):
    code = "nothing_to_build"
    zh = "这些设置与使用中的索引相同，无需重建。请先更改向量模型、切分或解析设置。"
    en = "These settings are those of the live index: there is nothing to build. Change the model, chunking or reading."
    status = 409


class GenerationGone(LiaoyuanError):
    code = "generation_gone"
    zh = "这一代索引已被删除。"
    en = "This generation of the index was dropped."
    status = 410
