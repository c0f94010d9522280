"""``manage.py up``: the whole platform in the foreground under one supervisor."""

import os
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from liaoyuan.compute.engines.addresses import LOOPBACK, EngineAddresses, engine_addresses
from liaoyuan.compute.engines.errors import SetupFailed
from liaoyuan.compute.engines.locks import locked
from liaoyuan.compute.engines.manager import UP_SECONDS, specs_with_engines
from liaoyuan.compute.engines.supervisor import Supervisor, printer
from liaoyuan.compute.engines.supervisor_leftovers import leftovers_end
from liaoyuan.config.database import migrate
from liaoyuan.config.engines import EnginesBusy
from liaoyuan.config.environment import environment
from liaoyuan.config.first import first_start, operator_link
from liaoyuan.config.processes import PROCESSES, SETUP, background_specs, setup_spec, web_spec
from liaoyuan.config.running import Running, up_claim, up_found
from liaoyuan.errors import LiaoyuanError

RUNS = {
    "zh": "已在运行：{url}（pid {pid}）。停止：make down；新的登录链接：manage.py login 邮箱地址",
    "en": "It already runs: {url} (pid {pid}). Stop it: make down. A new login link: manage.py login ADDRESS",
}
WELCOME = {
    "zh": ("门户  {url}/", "控制台 {url}/console/", "Ctrl-C 停止"),
    "en": ("Portal   {url}/", "Console  {url}/console/", "Ctrl-C stops all of it"),
}
LINK = {
    "zh": "以 {email} 登录一次（10 分钟内有效）：{url}{path}",
    "en": "Sign in once as {email} (good for 10 minutes): {url}{path}",
}


def terminal_language() -> str:
    """ "zh" or "en", as the terminal speaks."""
    return "zh" if "zh" in (os.environ.get("LC_ALL") or os.environ.get("LANG") or "").lower() else "en"


class Command(BaseCommand):
    """Exit codes: 0 after a clean stop, and when it already runs; 1 when it could not start."""

    help = "Start engines, workers, beat, relay, reaper, model server and web; Ctrl-C stops them all."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="write the log as one JSON object a line")
        parser.add_argument("--prepare", action="store_true", help="only tables, secrets and first operator, then end")

    def handle(self, *args: Any, **options: Any) -> None:
        language = terminal_language()
        if options["prepare"]:
            migrate()
            for sentence in first_start(language):
                self.stdout.write(sentence)
            return
        addresses = engine_addresses(settings.VAR)
        url = f"http://{LOOPBACK}:{environment().port}"
        if not up_claim(addresses, url):
            found = up_found(addresses) or Running(0, url)
            self.stdout.write(RUNS[language].format(url=found.url, pid=found.pid))
            return
        try:
            self._supervise(addresses, url, as_json=options["json"])
        except LiaoyuanError as error:
            raise CommandError(error.sentence(language)) from error
        except TimeoutError as error:
            raise CommandError(EnginesBusy(detail=str(error)).sentence(language)) from error

    def _supervise(self, addresses: EngineAddresses, url: str, *, as_json: bool) -> None:
        for name in leftovers_end(addresses, PROCESSES):
            self.stderr.write(f"{name} was left over from a supervisor that was killed; it is ended")
        after = (SETUP,)
        ours = [setup_spec(), web_spec(addresses, after=after), *background_specs(after=after)]
        # A command may be starting an engine right now: that one is left to it.
        with locked(addresses.run / "engines.lock", timeout=UP_SECONDS):
            specs = specs_with_engines(addresses, ours)
        supervisor = Supervisor(
            specs,
            run=addresses.run,
            log=addresses.log,
            write=printer([spec.name for spec in specs], as_json=as_json),
            announce=lambda: welcome(url),
            announce_after="web",
        )
        supervisor.run()
        if supervisor.failed:
            raise SetupFailed(process=supervisor.failed, log=addresses.log / f"{supervisor.failed}.log")


def welcome(url: str) -> list[str]:
    """What the person at the terminal needs now. In production nobody's link goes into a log."""
    language = terminal_language()
    lines = [line.format(url=url) for line in WELCOME[language]]
    link = None if settings.PRODUCTION else operator_link()
    if link is not None:
        lines.insert(2, LINK[language].format(email=link[0], path=link[1], url=url))
    return lines
