"""What may go wrong with question sets and evaluations, in words that say what to do."""

from liaoyuan.errors import LiaoyuanError


class SetUnknown(LiaoyuanError):
    code = "question_set_unknown"
    zh = "没有名为“{name}”的问题集。请先新建或导入。"
    en = "There is no question set called “{name}”. Make or import one first."
    status = 404


class SetNameTaken(LiaoyuanError):
    code = "question_set_name_taken"
    zh = "该文档集已有名为“{name}”的问题集。请换一个名称。"
    en = "The collection has a question set called “{name}” already. Choose another name."
    status = 409


class SetNameUnusable(LiaoyuanError):
    code = "question_set_name_unusable"
    zh = "问题集名称不能为空，最多 {limit} 个字符。"
    en = "A question set needs a name of at most {limit} characters."
    status = 422


class SetNotReady(LiaoyuanError):
    code = "question_set_not_ready"
    zh = "问题集“{name}”没有已通过的问题，不能批准。请先审核问题。"
    en = "The question set “{name}” has no approved question, so it cannot be approved. Review its questions first."
    status = 409


class QuestionUnusable(LiaoyuanError):
    code = "question_unusable"
    zh = "问题不可用：{detail_zh}。"
    en = "The question cannot be used: {detail_en}."
    status = 422


class ThresholdInvalid(LiaoyuanError):
    code = "threshold_invalid"
    zh = "门槛“{metric}”不正确：请选择已有指标，数值在允许范围内。"
    en = "The threshold for “{metric}” is not valid: choose a known metric and a value in its range."
    status = 422


class QuestionFileUnreadable(LiaoyuanError):
    code = "question_file_unreadable"
    zh = "无法读取问题文件“{name}”：{detail}。支持 JSONL、CSV、XLSX。"
    en = "The question file “{name}” cannot be read: {detail}. JSONL, CSV and XLSX are understood."
    status = 422


class NothingToAsk(LiaoyuanError):
    code = "nothing_to_ask"
    zh = "问题集“{name}”没有已通过的问题，无法评测。请先审核或添加问题。"
    en = "The question set “{name}” has no approved question to ask. Review or add questions first."
    status = 409


class NothingToSynthesise(LiaoyuanError):
    code = "nothing_to_synthesise"
    zh = "文档集“{name}”还没有可用的文档，无法生成问题。请先导入文档。"
    en = "The collection “{name}” holds no document in force to make questions from. Import documents first."
    status = 409


class ExpectedUnknown(LiaoyuanError):
    code = "expected_unknown"
    zh = "还不知道正确答案是什么：请输入应有的原文，或指出它所在的分块。"
    en = "What the right answer is, is not known yet: type its words, or point at the passage."
    status = 422


class LearningTooFew(LiaoyuanError):
    code = "learning_too_few_questions"
    zh = (
        "可用于学习排序的问题只有 {count} 个，至少需要 {least} 个能找到出处的问题。"
        "请先导入更多文档，或在“评测”里生成、添加并审核问题，再重试。"
    )
    en = (
        "Only {count} questions can teach the order; it takes at least {least} whose place is found. "
        "Import more documents, or make, add and review questions under “Evaluation”, then try again."
    )
    status = 409
