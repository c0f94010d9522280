"""``manage.py demo``: from a folder of documents to a governed application that answers with citations."""

import json
import os
import time
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console

from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.config.demo.journey import Journey, stage_rows
from liaoyuan.config.demo.questions import answer_print, answer_row, ask, document_questions, pack_questions
from liaoyuan.config.demo.words import word
from liaoyuan.errors import LiaoyuanError


class Command(BaseCommand):
    help = "Take an industry's first scenario through all six stages and ask it five questions."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--industry", default="medical")
        parser.add_argument("--docs", type=Path, help="a folder of your own instead of the pack's samples")
        parser.add_argument("--language", choices=("zh", "en"), help="default: the terminal's")

    def handle(self, *args: Any, **options: Any) -> None:
        language = options["language"] or ("zh" if "zh" in os.environ.get("LANG", "").lower() else "en")
        console = Console(soft_wrap=True)
        journey = Journey(options["industry"], options["docs"], console, language)
        try:
            self._check(journey)
            journey.start_engines()
            try:
                self._travel(journey)
            finally:
                journey.stop_background()
        except LiaoyuanError as error:
            raise CommandError(f"{error.code}: {error.sentence(language)}") from error

    def _check(self, journey: Journey) -> None:
        """Bad input is told before anything is started."""
        pack = journey.pack
        if journey.folder is not None and not journey.folder.is_dir():
            raise CommandError(f"no such folder: {journey.folder} / 没有这个文件夹")
        title = pack.spec.title
        scenario = next(iter(pack.scenarios.values()))
        zh = journey.language == "zh"
        journey.say(
            "title",
            industry=title.zh if zh else title.en,
            scenario=scenario.title.zh if zh else scenario.title.en,
        )

    def _travel(self, journey: Journey) -> None:
        organization, user = journey.organization()
        imported = journey.import_documents(organization, user)
        solution, runs = journey.run_pipeline(organization, user)
        results = {run.stage: run.result for run in runs}
        deployed = results["deployment"]
        with tenant_context(organization.id, user.id):
            questions = self._questions(journey, UUID(results["data"]["dataset_version"]))
        journey.say("questions")
        answers = []
        for number, question in enumerate(questions, start=1):
            answered = ask(
                organization_id=organization.id,
                user_id=user.id,
                deployment_id=UUID(deployed["deployment"]),
                question=question,
            )
            answer_print(journey.console, number, question, answered, journey.language)
            answers.append(answer_row(question, answered))
        report = {
            "organization": organization.name,
            "solution": solution.name,
            "industry": journey.industry,
            "stages": stage_rows([imported, *runs]),
            "bundle": deployed["bundle"],
            "deployment": deployed["deployment"],
            "gates_source": deployed["source"],
            "gates": deployed["gates"],
            "answers": answers,
            "seconds": round(time.monotonic() - journey.began, 1),
        }
        self._write(journey, report)

    def _questions(self, journey: Journey, dataset_id: UUID) -> list[str]:
        scenario = next(iter(journey.pack.scenarios))
        if journey.folder is None:
            return pack_questions(journey.pack, scenario)
        return document_questions(journey.pack, scenario, dataset_id)

    def _write(self, journey: Journey, report: dict[str, Any]) -> None:
        path = Path(settings.VAR) / "demo.json"
        path.write_text(json.dumps(report, ensure_ascii=False, indent=1, default=str), encoding="utf-8")
        journey.console.print("\n" + word("gates", journey.language), highlight=False)
        for gate in report["gates"]:
            mark = "[green]✓[/]" if gate["passed"] else "[red]✗[/]"
            value = "–" if gate["value"] is None else f"{gate['value']:.3f}"
            if not gate["applies"]:
                mark, value = "[dim]–[/]", word("no_adapter", journey.language)
            bound = "≥" if gate["direction"] == "at_least" else "≤"
            journey.console.print(f"  {mark} {gate['name']}: {value} {bound} {gate['threshold']}", highlight=False)
        journey.console.print()
        journey.say("written", path=path, seconds=report["seconds"])
        journey.say("next")
