"""``manage.py industry list|validate|test|sign|install``."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from liaoyuan.industry.errors import IndustryError
from liaoyuan.industry.examination import Examination, Problem, pack_test, pack_validate
from liaoyuan.industry.loader import pack_find, pack_folders
from liaoyuan.industry.selectors import industry_roots, industry_trust
from liaoyuan.industry.services import industry_install, industry_sign


class Command(BaseCommand):
    """Prints one object: ``{"ok": …, "packs": [{name, version, ok, signed_by, problems, gates, path}]}``."""

    help = "List, validate, test, sign and install industry packs. Exit 0 when it ran; see `ok` for the result."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
        for verb, text in (
            ("list", "the packs that are there, verified"),
            ("validate", "seal, format, references and code"),
            ("test", "validate, then the gate questions against the pack's documents"),
            ("sign", "write MANIFEST and MANIFEST.sig"),
            ("install", "verify a folder and copy it to where installed packs live"),
        ):
            sub = verbs.add_parser(verb, help=text, description=text)
            sub.add_argument("--json", action="store_true", dest="as_json", help="print one JSON object")
            if verb in {"validate", "test"}:
                sub.add_argument("path", nargs="*", help="folders or names of packs; none = all that are there")
            elif verb != "list":
                sub.add_argument("path", nargs=1, help="the pack's folder")
            if verb == "sign":
                sub.add_argument(
                    "--key", required=True, type=Path, help="private key file (ed25519 PEM); made if absent"
                )

    def handle(self, *_args: Any, **options: Any) -> None:
        verb = {
            "list": self._list,
            "validate": self._validate,
            "test": self._test,
            "sign": self._sign,
            "install": self._install,
        }[options["verb"]]
        results = verb(options)
        if options["as_json"]:
            report = {"ok": all(r.ok for r in results), "packs": [r.as_dict() for r in results]}
            self.stdout.write(json.dumps(report, ensure_ascii=False))
        else:
            self._print(results)

    def _list(self, _options: dict[str, Any]) -> list[Examination]:
        trust = industry_trust()
        return [pack_validate(folder, trust)[0] for _, folder in sorted(pack_folders(industry_roots()).items())]

    def _validate(self, options: dict[str, Any]) -> list[Examination]:
        trust = industry_trust()
        return [pack_validate(folder, trust)[0] for folder in self._folders(options["path"])]

    def _test(self, options: dict[str, Any]) -> list[Examination]:
        trust = industry_trust()
        return [pack_test(folder, trust) for folder in self._folders(options["path"])]

    def _sign(self, options: dict[str, Any]) -> list[Examination]:
        root = Path(options["path"][0]).resolve()
        try:
            signed = industry_sign(root=root, key_file=options["key"])
        except IndustryError as error:
            return [_failed(root, error)]
        return [Examination(path=root, name=signed.name, version=signed.version, signed_by=signed.key)]

    def _install(self, options: dict[str, Any]) -> list[Examination]:
        source = Path(options["path"][0])
        *built_in, target = industry_roots()
        try:
            pack = industry_install(source=source, target_root=target, trust=industry_trust(), built_in=tuple(built_in))
        except IndustryError as error:
            return [_failed(source, error)]
        return [Examination(path=pack.root, name=pack.name, version=pack.spec.version, signed_by=pack.signed_by)]

    def _folders(self, given: list[str]) -> list[Path]:
        """A known name stands for its folder; anything else must be a folder."""
        known = pack_folders(industry_roots())
        if not given:
            return [known[name] for name in sorted(known)]
        return [self._folder(text, known) for text in given]

    def _folder(self, text: str, known: dict[str, Path]) -> Path:
        if text in known:
            return known[text]
        if Path(text).is_dir():
            # The folder's name must equal the pack's, which "." would hide.
            return Path(text) if Path(text).is_symlink() else Path(text).resolve()
        try:
            return pack_find(text, industry_roots())
        except IndustryError as error:
            raise CommandError(error.sentence(settings.LANGUAGE_CODE)) from error

    def _print(self, results: list[Examination]) -> None:
        language = settings.LANGUAGE_CODE
        for result in results:
            mark = "✓" if result.ok else "✗"
            self.stdout.write(f"{mark} {result.name} {result.version} [{result.signed_by or '—'}] {result.path}")
            for gate in result.gates:
                self.stdout.write(
                    f"    {'✓' if gate['passed'] else '✗'} {gate['name']}: {gate['value']} / {gate['threshold']}"
                )
            for problem in result.problems:
                self.stdout.write(f"    · {problem.zh if language.startswith('zh') else problem.en}")


def _failed(path: Path, error: IndustryError) -> Examination:
    problem = Problem(error.code, error.sentence("zh"), error.sentence("en"))
    return Examination(path=path, name=path.name, problems=[problem])
