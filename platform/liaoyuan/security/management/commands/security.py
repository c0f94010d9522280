"""`manage.py security guard|train`: the guardrail over a file of texts, and the classifiers made anew."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from liaoyuan.errors import LiaoyuanError
from liaoyuan.industry.selectors import industry_names
from liaoyuan.security.guarding import guard_file
from liaoyuan.security.threats.training import train

SIDES = ("input", "document", "output")


class Command(BaseCommand):
    help = "护栏检查与分类器训练 / check texts against a guardrail policy; train the shipped classifiers"

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        guard = verbs.add_parser("guard", help="one decision per line of FILE.jsonl: {id, text, context?}")
        guard.add_argument("file", type=Path)
        guard.add_argument("--industry", required=True, help=f"one of: {', '.join(industry_names())}")
        guard.add_argument("--scenario", default="", help="default: the industry's first")
        guard.add_argument("--side", required=True, choices=SIDES)
        guard.add_argument("--json", action="store_true", help="print one JSON object last")
        self._training_arguments(verbs.add_parser("train", help="train the classifiers from a folder of data sets"))

    @staticmethod
    def _training_arguments(parser: ArgumentParser) -> None:
        parser.add_argument("--data", type=Path, required=True, help="folder with the sets that NOTICE names")
        parser.add_argument("--output", type=Path, required=True, help="folder for the coefficients")
        parser.add_argument("--json", action="store_true", help="print one JSON object last")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            found = self._guard(options) if options["verb"] == "guard" else self._train(options)
        except LiaoyuanError as error:
            raise CommandError(f"{error.sentence('zh')}\n{error.sentence('en')}") from error
        self.stdout.write(json.dumps(found, ensure_ascii=False))

    def _guard(self, options: dict[str, Any]) -> dict[str, Any]:
        decided = guard_file(
            options["file"], side=options["side"], industry=options["industry"], scenario=options["scenario"]
        )
        if not options["json"]:
            for row in decided["rows"]:
                self.stdout.write(f"{row['id']}\t{row['action']}\t{row['score']:.2f}\t{', '.join(row['rules'])}")
        return decided

    def _train(self, options: dict[str, Any]) -> dict[str, Any]:
        options["output"].mkdir(parents=True, exist_ok=True)
        return {"classifiers": train(options["data"], options["output"])}
