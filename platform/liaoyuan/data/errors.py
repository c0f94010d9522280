"""What can keep a dataset from being made."""

from liaoyuan.errors import LiaoyuanError
from liaoyuan.pipeline.contract import StageFailed


class NothingToCurate(StageFailed):
    code = "nothing_to_curate"
    zh = "集合“{collection}”没有可用的文档。请先导入文档：manage.py knowledge import。"
    en = "The collection “{collection}” has no usable document. Import some first: manage.py knowledge import."


class NothingLeft(StageFailed):
    code = "nothing_left"
    zh = "算子“{operator}”之后没有剩下任何样本（{reasons}）。请检查文档内容，或放宽配方参数。"
    en = "Nothing is left after the operator “{operator}” ({reasons}). Check the documents, or relax the recipe."


class RecipeUnknown(StageFailed):
    code = "recipe_unknown"
    zh = "没有名为“{name}”的数据配方。可用的配方：{known}"
    en = "There is no data recipe called “{name}”. Known recipes: {known}"
    status = 404


class LineInvalid(LiaoyuanError):
    code = "line_invalid"
    zh = "这一行不正确（文件, 行号: 应有的形式）：{detail}。请修正后重试。"
    en = "This line is not valid (file, line: the form it needs): {detail}. Correct it and retry."
    status = 422


class RunEnded(LiaoyuanError):
    code = "run_not_succeeded"
    zh = "数据整理没有完成（{code}）：{why_zh}"
    en = "Curation did not complete ({code}): {why_en}"
