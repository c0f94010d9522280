"""What can keep a bundle from going live, or a question from being answered."""

from liaoyuan.errors import LiaoyuanError
from liaoyuan.pipeline.contract import StageFailed


class GatesFailed(StageFailed):
    code = "gates_failed"
    zh = "没有通过门禁：{gates}。未上线；请改进文档或配方后重新运行，门禁报告列出了每一项的数值。"
    en = "The gates were not passed: {gates}. Nothing went live; mend the documents or the recipe and run again."


class TooFewQuestions(StageFailed):
    code = "too_few_questions"
    zh = "只有 {count} 道题可用于门禁（至少 {least}）。请补充文档或自备题库。"
    en = "Only {count} questions can be asked of this collection (at least {least} needed). Add documents or questions."


class RouteUnknown(LiaoyuanError):
    code = "model_not_found"
    zh = "没有名为“{name}”的应用。可用：GET /v1/models。"
    en = "There is no application called “{name}”. See GET /v1/models."
    status = 404


class ChatUnavailable(LiaoyuanError):
    code = "chat_unavailable"
    zh = "对话模型没有应答：{detail}。请检查模型服务（manage.py engines status）或 LIAOYUAN_CHAT_URL。"
    en = "The chat model does not answer: {detail}. See manage.py engines status, or LIAOYUAN_CHAT_URL."
    retryable = True
    status = 503


class NotLive(LiaoyuanError):
    code = "not_deployed"
    zh = "该应用尚未上线。请先完成流水线，并批准上线。"
    en = "This solution is not live yet. Complete its pipeline and approve it first."
    status = 409


class StillAnswering(LiaoyuanError):
    code = "still_answering"
    zh = "上一个问题仍在回答中。请等它完成，或先停止它。"
    en = "The question before is still being answered. Wait for it, or stop it first."
    retryable = True
    status = 409
