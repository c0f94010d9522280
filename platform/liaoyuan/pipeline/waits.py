"""Why a run waits, in words (zh, en). Every wait has one of these."""

from dataclasses import dataclass

from liaoyuan.pipeline.contract import StageName

TITLES: dict[str, tuple[str, str]] = {
    StageName.COMPUTE: ("建算力", "build compute"),
    StageName.DATA: ("理数据", "curate data"),
    StageName.TRAINING: ("训模型", "train model"),
    StageName.DEPLOYMENT: ("落场景", "deploy scenario"),
    StageName.SECURITY: ("保安全", "secure"),
    StageName.OPERATIONS: ("精运营", "operate"),
    StageName.INGEST: ("导入文档", "import documents"),
    StageName.EVALUATE: ("评测", "evaluate"),
    StageName.REINDEX: ("重建索引", "rebuild the index"),
    StageName.SYNC: ("同步来源", "synchronize a source"),
}
ENDINGS: dict[str, tuple[str, str]] = {
    "failed": ("失败", "failed"),
    "errored": ("出错", "errored"),
    "cancelled": ("被取消", "was cancelled"),
    "dead": ("被放弃", "was given up"),
}
DEPENDENCY = "dependency"
QUEUE = "queue"
NO_WORKER = "no worker"
APPROVAL = "approval"
RETRY = "retry"
SUSPENDED = "suspended"
# Kinds that nobody has to end: the run asks again by itself.
ASKED_AGAIN = ("quota", "engine")


@dataclass(frozen=True)
class Wait:
    """One reason. ``kind`` is what programs look at, the sentences are for people."""

    kind: str
    zh: str
    en: str

    def columns(self) -> dict[str, str]:
        """The ledger's columns for it."""
        return {"wait_kind": self.kind, "wait_reason_zh": self.zh[:300], "wait_reason_en": self.en[:300]}


NOTHING = Wait("", "", "")


def dependency(stage: str) -> Wait:
    """The stage before has not ended yet."""
    zh, en = TITLES[stage]
    return Wait(DEPENDENCY, f"等待上一阶段“{zh}”完成", f"dependency: {en} comes first")


def dependency_ended(stage: str, state: str) -> Wait:
    """The stage before ended badly: somebody has to retry it."""
    title, ending = TITLES[stage], ENDINGS[state]
    return Wait(
        DEPENDENCY,
        f"上一阶段“{title[0]}”{ending[0]}，请先重试它",
        f"dependency: {title[1]} {ending[1]}; retry it first",
    )


def queue(position: int | None = None) -> Wait:
    """All is ready; others are ahead (``position`` counts from 1)."""
    if position is None:
        return Wait(QUEUE, "排队等待工作进程", "queue: waits for a free worker")
    return Wait(QUEUE, f"排队中，第 {position} 位", f"queue: number {position} in line")


def turn() -> Wait:
    """The run worked for a while and lets others go first."""
    return Wait(QUEUE, "已处理一批，先让其他任务执行，随后继续", "queue: did a part of it, lets others go first")


def no_worker(name: str) -> Wait:
    """Nobody serves the queue."""
    return Wait(
        NO_WORKER,
        f"没有工作进程处理队列“{name}”，请用 make up 启动",
        f"no worker serves the queue “{name}”: start one with make up",
    )


def suspended() -> Wait:
    """An operator closed the organization."""
    return Wait(SUSPENDED, "组织已被运维人员停用，恢复后继续", "the organization is suspended; it goes on when resumed")


def retry(attempt: int, seconds: float, reason_zh: str, reason_en: str) -> Wait:
    """Attempt number ``attempt`` failed in a way that may mend by itself."""
    return Wait(
        RETRY,
        f"第 {attempt} 次尝试失败，{seconds:.0f} 秒后重试：{reason_zh}",
        f"attempt {attempt} failed, tried again in {seconds:.0f} s: {reason_en}",
    )
