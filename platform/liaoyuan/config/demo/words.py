"""The demonstration's sentences in two languages."""

from typing import Final

STAGES: Final = {
    "ingest": ("导入文档", "import documents"),
    "compute": ("建算力", "build compute"),
    "data": ("理数据", "curate data"),
    "training": ("训模型", "train model"),
    "deployment": ("落场景", "deploy scenario"),
    "security": ("保安全", "secure"),
    "operations": ("精运营", "operate"),
}
STATES: Final = {
    "waiting": ("等待", "waiting"),
    "queued": ("排队", "queued"),
    "running": ("运行", "running"),
    "cancelling": ("正在取消", "cancelling"),
    "succeeded": ("完成", "succeeded"),
    "no_adapter": ("不适用（未使用适配器）", "does not apply (served without an adapter)"),
    "failed": ("失败", "failed"),
    "errored": ("出错", "errored"),
    "cancelled": ("已取消", "cancelled"),
    "dead": ("放弃", "dead"),
}
WORDS: Final = {
    "engines": ("正在启动引擎：PostgreSQL、Valkey、模型服务", "Starting the engines: PostgreSQL, Valkey, model server"),
    "ready": ("引擎就绪，数据库已是最新（{seconds:.1f} 秒）", "Engines ready, tables up to date ({seconds:.1f} s)"),
    "title": ("{industry} · {scenario}", "{industry} · {scenario}"),
    "documents": (
        "文档：{ready} 份可用，{rejected} 份未能读取",
        "Documents: {ready} usable, {rejected} could not be read",
    ),
    "reused": ("（未变化，复用）", " (unchanged, reused)"),
    "approved": (
        "演示以所有者 {owner} 的身份批准上线；实际使用中由您的负责人批准。",
        "The demo approves as the owner, {owner}; in real use a person of yours does.",
    ),
    "questions": ("五个问题", "Five questions"),
    "abstained": ("未作答", "not answered"),
    "page": ("第 {page} 页", "page {page}"),
    "gates": ("门禁", "Gates"),
    "failed": ("“{stage}”未能完成：{reason}", "“{stage}” did not complete: {reason}"),
    "written": ("结果写入 {path}（{seconds:.0f} 秒）", "Result written to {path} ({seconds:.0f} s)"),
    "next": ("下一步：make up，然后在浏览器中打开门户", "Next: make up, then open the portal in a browser"),
    "eta": ("约 {seconds:.0f} 秒", "about {seconds:.0f} s"),
    "stage": ("阶段", "Stage"),
    "state": ("状态", "State"),
    "progress": ("进度", "Progress"),
    "time": ("用时／预计", "Time / ETA"),
    "result": ("结果或等待原因", "Result, or reason of the wait"),
}


def word(key: str, language: str, **values: object) -> str:
    """The sentence ``key`` in ``language`` ("zh" or "en")."""
    return WORDS[key][language != "zh"].format(**values)


def stage_word(name: str, language: str) -> str:
    return STAGES[name][language != "zh"]


def state_word(name: str, language: str) -> str:
    return STATES[name][language != "zh"]
