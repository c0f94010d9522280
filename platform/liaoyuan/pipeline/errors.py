"""What can go wrong with solutions and runs."""

from liaoyuan.errors import LiaoyuanError


class SolutionExists(LiaoyuanError):
    code = "solution_exists"
    zh = "名为“{name}”的应用已存在，但属于场景“{scenario}”。请换一个名称。"
    en = "A solution called “{name}” exists already, for the scenario “{scenario}”. Choose another name."
    status = 409


class SolutionNameTaken(LiaoyuanError):
    code = "solution_name_taken"
    zh = "已有名为“{name}”的应用。请换一个名称。"
    en = "There is a solution called “{name}” already. Choose another name."
    status = 409


class SolutionBusy(LiaoyuanError):
    code = "solution_busy"
    zh = "“{name}”还有未结束的任务。请先取消它们，或等它们结束，再归档。"
    en = "“{name}” has runs that have not ended. Cancel them or let them end, then archive it."
    status = 409


class DraftStarted(LiaoyuanError):
    code = "draft_started"
    zh = "这份草稿已经启动，不能再改。请到应用页面查看进展。"
    en = "This draft was started already and cannot be changed. Look at the solution's board."
    status = 409


class DraftChanged(LiaoyuanError):
    code = "draft_changed"
    zh = "这份草稿在另一个窗口里改过了。请看一遍现在的方案，再点启动。"
    en = "The draft was changed in another window. Look at the plan as it is now, then start it."
    status = 409


class RunStateRefused(LiaoyuanError):
    code = "run_state_refused"
    zh = "任务处于“{state}”状态，不能执行“{verb}”。请刷新后再试。"
    en = "The run is {state}: it cannot be asked to {verb}. Reload and look again."
    status = 409


class ArtifactOutside(LiaoyuanError):
    code = "artifact_outside"
    zh = "阶段给出的文件“{path}”不在它的工作目录内。"
    en = "The stage gave the file “{path}”, which is outside of its work folder."
    status = 500


class DatabaseAway(LiaoyuanError):
    code = "database_away"
    zh = "数据库连接中断，任务将自动重试。"
    en = "The connection to the database broke; the run is tried again by itself."
    retryable = True
    status = 503


class WorkFolderFull(LiaoyuanError):
    code = "work_folder_full"
    zh = "磁盘空间不足，任务无法继续。请清理磁盘；任务会自动重试，已完成的部分不会丢失。"
    en = "The disk is full and the run cannot go on. Free some space; it is tried again by itself, what was done stays."
    retryable = True
    status = 507


class InternalFault(LiaoyuanError):
    """What a person sees of a bug: a reference, with which the log tells the rest."""

    code = "internal_error"
    zh = "内部错误。请把编号 {reference} 告诉管理员，日志中有详细信息。"
    en = "Internal error. Give the reference {reference} to your administrator; the log has the details."
    status = 500


class WorkerLost(LiaoyuanError):
    code = "worker_lost"
    zh = "执行任务的进程在第 {attempt} 次尝试时中断，已放弃。请检查内存与日志后重试。"
    en = "The process that ran this was lost on attempt {attempt}; given up. Check memory and the log, then retry."


class FenceLost(Exception):
    """A newer worker, or a person, owns the run: stop and leave nothing behind. Never shown to people."""
