"""What may go wrong in the knowledge layer, in words that say what to do."""

from liaoyuan.errors import LiaoyuanError


class CollectionUnknown(LiaoyuanError):
    code = "collection_unknown"
    zh = "没有名为“{name}”的文档集。请先执行 manage.py knowledge import，或检查名称。"
    en = "There is no collection called “{name}”. Run manage.py knowledge import first, or check the name."
    status = 404


class DocumentUnknown(LiaoyuanError):
    code = "document_unknown"
    zh = "文档集中没有“{name}”。请先导入该文件。"
    en = "The collection holds no document “{name}”. Import the file first."
    status = 404


class PathMissing(LiaoyuanError):
    code = "path_missing"
    zh = "找不到“{path}”。请检查路径。"
    en = "“{path}” does not exist. Check the path."
    status = 404


class NothingToImport(LiaoyuanError):
    code = "nothing_to_import"
    zh = "“{path}”里没有文件。请选择含有文档的文件夹。"
    en = "There are no files in “{path}”. Choose a folder that holds documents."


class FileUnsafe(LiaoyuanError):
    code = "file_unsafe"
    zh = "“{name}”不是普通文件（链接或特殊文件），已跳过。请上传文件本身。"
    en = "“{name}” is not a regular file (a link or a special file) and was skipped. Give the file itself."


class QuestionEmpty(LiaoyuanError):
    code = "question_empty"
    zh = "问题是空的，或超过 {limit} 个字符。请重新输入。"
    en = "The question is empty or longer than {limit} characters. Enter it again."
    status = 422


class EmbeddingMismatch(LiaoyuanError):
    code = "embedding_mismatch"
    zh = "向量模型返回的维度是 {got}，需要 {wanted}。请检查向量引擎的配置。"
    en = "The embedding engine returned {got} dimensions where {wanted} are needed. Check its configuration."
    status = 500


class EmbedderDown(LiaoyuanError):
    """A collection's own embedding service is silent. Nothing else may stand in for it: its vectors would not match."""

    code = "embedder_down"
    zh = "向量模型“{name}”没有响应（{url}：{detail}）。请联系运维人员恢复该服务，恢复后任务会自动继续。"
    en = (
        "The embedding model “{name}” does not answer ({url}: {detail}). Ask the operator to bring it back; what waits "
        "for it then goes on by itself."
    )
    retryable = True
    status = 503


class EmbedderRefused(LiaoyuanError):
    code = "embedder_refused"
    zh = "向量模型“{name}”拒绝了请求：{detail}。请运维人员检查它的地址、模型名与密钥。"
    en = "The embedding model “{name}” refused: {detail}. Ask the operator to check its address, model name and key."
    status = 502


class EmbedderUnknown(LiaoyuanError):
    code = "embedder_unknown"
    zh = "没有名为“{name}”的向量模型。可用的有：{known}。请运维人员在 LIAOYUAN_EMBEDDERS 中配置，或选择其他模型。"
    en = (
        "There is no embedding model called “{name}”. Known: {known}. Ask the operator to configure it in "
        "LIAOYUAN_EMBEDDERS, or choose another."
    )
    status = 422


class QuestionsInvalid(LiaoyuanError):
    code = "questions_invalid"
    zh = "问题文件第 {line} 行不正确：{detail}"
    en = "Line {line} of the question file is not valid: {detail}"
    status = 422


class FileTooLarge(LiaoyuanError):
    code = "file_too_large"
    zh = "“{name}”有 {size}，超过单个文件的上限 {limit}，没有发送。请拆分或压缩后再传。"
    en = "“{name}” is {size}; one file may be {limit} at most. Nothing was sent. Split or shrink it first."
    status = 413


class TooMuchToUpload(LiaoyuanError):
    code = "too_much_to_upload"
    zh = "一次最多上传 {files} 个文件、共 {total}。请先导入这些，再传其余的。"
    en = "At most {files} files and {total} at a time. Import these first, then send the rest."
    status = 413


class FileEmpty(LiaoyuanError):
    code = "file_empty"
    zh = "“{name}”是空文件，已跳过。"
    en = "“{name}” is empty and was skipped."
    status = 422


class FileNameUnusable(LiaoyuanError):
    code = "file_name_unusable"
    zh = "文件名“{name}”不可用（只含看不见的字符、以点开头或过长）。请改名后重试。"
    en = "The file name “{name}” cannot be used (nothing visible, a leading dot, or too long). Rename the file."
    status = 422


class FileNameTaken(LiaoyuanError):
    code = "file_name_taken"
    zh = "列表中已有另一个“{name}”。请先移除它，或给文件改名。"
    en = "Another file called “{name}” is in the list. Remove it first, or rename this one."
    status = 409


class PartOutOfPlace(LiaoyuanError):
    """The part does not begin where the file ends so far; ``received`` tells where to go on."""

    code = "part_out_of_place"
    zh = "“{name}”已收到 {received} 字节，将从那里继续。"
    en = "“{name}” has {received} bytes here; it goes on from there."
    retryable = True
    status = 409


class PartDamaged(LiaoyuanError):
    code = "part_damaged"
    zh = "“{name}”的一段数据在途中损坏，将重新发送。"
    en = "A part of “{name}” was damaged on the way; it is sent again."
    retryable = True
    status = 422


class IndexNotReady(LiaoyuanError):
    code = "index_not_ready"
    zh = "第 {number} 代索引尚未构建完成，不能切换。"
    en = "Generation {number} of the index is not finished, so it cannot go live."
    status = 409


class IndexBusy(LiaoyuanError):
    code = "index_busy"
    zh = "第 {number} 代索引正在使用，不能删除。请先切换到另一代。"
    en = "Generation {number} of the index is live and cannot be dropped. Swap another one in first."
    status = 409


class NothingToUnlock(LiaoyuanError):
    code = "nothing_to_unlock"
    zh = "“{name}”不需要密码，或已经读取。"
    en = "“{name}” asks for no password, or has been read already."
    status = 409
