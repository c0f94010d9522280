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


class QuestionsInvalid(LiaoyuanError):
    code = "questions_invalid"
    zh = "问题文件第 {line} 行不正确：{detail}"
    en = "Line {line} of the question file is not valid: {detail}"
    status = 422
