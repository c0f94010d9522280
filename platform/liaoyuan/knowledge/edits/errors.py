"""What can keep an edit from being made."""

from liaoyuan.errors import LiaoyuanError


class ChunkChanged(LiaoyuanError):
    """Somebody else changed the chunk since it was read; nothing was written."""

    code = "chunk_changed"
    zh = "这个分块在您打开之后已被{author}改动，您的修改没有保存。请对照现在的内容再决定。"
    en = "{author} changed this chunk after you opened it; your change was not saved. Compare, then decide."
    status = 412


class ChunkGone(LiaoyuanError):
    """The chunk was merged, restored or cut anew since it was read; nothing was written."""

    code = "chunk_gone"
    zh = "这个分块已不存在（{author}合并、还原或重新切分了它），您的修改没有保存。请在现在的分块上重做。"
    en = "This chunk is gone: {author} merged, restored or re-cut it. Nothing was saved; redo it on what is there now."
    status = 409


class ChunkNotLive(LiaoyuanError):
    code = "chunk_not_live"
    zh = "只能修改正在使用的索引中的分块；其他索引在切换时会自动带入这些修改。"
    en = "Only chunks of the live index can be edited; other generations take the edits over when they are swapped in."
    status = 409


class ChunkEmpty(LiaoyuanError):
    code = "chunk_empty"
    zh = "分块不能为空。若不想让它被检索到，请停用它。"
    en = "A chunk cannot be empty. To keep it from being found, disable it."
    status = 422


class ChunkTooLong(LiaoyuanError):
    code = "chunk_too_long"
    zh = "这段文字有 {tokens} 个词元，向量模型最多完整读取 {limit} 个。请先拆分再保存。"
    en = "This text has {tokens} tokens; the embedding model reads {limit} at most. Split it first."
    status = 422


class SplitOutside(LiaoyuanError):
    code = "split_outside"
    zh = "拆分位置必须在文字中间，两边都要有内容。"
    en = "Split inside the text, so that there are words on both sides."
    status = 422


class NothingToMerge(LiaoyuanError):
    code = "nothing_to_merge"
    zh = "这是最后一个分块，后面没有可合并的内容。"
    en = "This is the last chunk; there is nothing after it to merge with."
    status = 409


class NotAdded(LiaoyuanError):
    code = "chunk_not_added"
    zh = "只能移除人工添加的分块。来自文档的分块请停用，以便随时恢复。"
    en = "Only a chunk that a person added can be removed. Disable one that came from the document."
    status = 409


class NothingToRestore(LiaoyuanError):
    code = "nothing_to_restore"
    zh = "这个分块没有被修改过。"
    en = "This chunk was never changed."
    status = 409
