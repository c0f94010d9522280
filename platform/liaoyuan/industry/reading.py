"""Reads the files of a pack into their typed forms and collects every problem: an author mends them in one go."""

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from liaoyuan.industry.consistency import pack_inconsistencies
from liaoyuan.industry.errors import IndustryError, PackInvalid
from liaoyuan.industry.files import PackFiles
from liaoyuan.industry.lexicon import LexiconEntry, lexicon_parse
from liaoyuan.industry.manifest import SEALS
from liaoyuan.industry.pack import IndustryPack
from liaoyuan.industry.pack_code import code_problems
from liaoyuan.industry.prompts import prompt_check
from liaoyuan.industry.schemas import DocumentsSpec, IndustrySpec, Question, ScenarioSpec, Spec
from liaoyuan.industry.schemas.questions import QuestionFile

SpecType = TypeVar("SpecType", bound=Spec)
FOLDERS = {
    "scenarios": (".toml",),
    "prompts": (".md",),
    "lexicon": (".tsv",),
    "evaluation": (".jsonl",),
    "documents": (),
}
ROOT_FILES = frozenset(
    {"industry.toml", "documents.toml", "NOTICE", "README.md", "LICENSE", "formats.py", "checks.py", *SEALS}
)
NEEDED = ("industry.toml", "documents.toml", "NOTICE")


def pack_read(root: Path, files: PackFiles, signed_by: str) -> tuple[IndustryPack | None, list[IndustryError]]:
    """The pack, or None and what is wrong with it."""
    reader = _Reader(files)
    pack = reader.pack(root, signed_by)
    problems = list(reader.problems)
    if pack is not None:
        problems.extend(pack_inconsistencies(pack))
    return (None if problems else pack), problems


class _Reader:
    """Reads what it can; each failure becomes one entry of ``problems``."""

    def __init__(self, files: PackFiles) -> None:
        self.files = files
        self.problems: list[IndustryError] = []

    def pack(self, root: Path, signed_by: str) -> IndustryPack | None:
        self._layout()
        self.problems.extend(PackInvalid(file=name, problem=problem) for name, problem in code_problems(self.files))
        spec = self._toml("industry.toml", IndustrySpec)
        documents = self._toml("documents.toml", DocumentsSpec)
        scenarios = self._scenarios()
        prompts = self._prompts()
        lexicons = self._lexicons()
        evaluations = {name: self._questions(f"evaluation/{name}") for name in self._below("evaluation")}
        if spec is None or documents is None:
            return None
        return IndustryPack(
            spec=spec,
            root=root,
            signed_by=signed_by,
            scenarios=scenarios,
            documents=documents,
            prompts=prompts,
            lexicons=lexicons,
            evaluations=evaluations,
            files=self.files,
        )

    def _layout(self) -> None:
        for name in NEEDED:
            if name not in self.files:
                self._problem(name, "the file is missing")
        for name in self.files:
            folder, slash, rest = name.partition("/")
            if slash:
                self._folder_file(name, folder, rest)
            elif name not in ROOT_FILES and not name.endswith(".py"):
                self._problem(name, f"unknown file; a pack's root holds {', '.join(sorted(ROOT_FILES))}")

    def _folder_file(self, name: str, folder: str, rest: str) -> None:
        if folder not in FOLDERS:
            self._problem(name, f"unknown folder; a pack has {', '.join(FOLDERS)}")
        elif "/" in rest:
            self._problem(name, f"{folder}/ has no folders inside")
        elif FOLDERS[folder] and not rest.endswith(FOLDERS[folder]):
            self._problem(name, f"files in {folder}/ end in {', '.join(FOLDERS[folder])}")

    def _below(self, folder: str) -> list[str]:
        prefix = f"{folder}/"
        return [name.removeprefix(prefix) for name in self.files if name.startswith(prefix)]

    def _problem(self, file: str, problem: str) -> None:
        self.problems.append(PackInvalid(file=file, problem=problem))

    def _text(self, name: str) -> str | None:
        if name not in self.files:
            return None
        try:
            return self.files[name].decode("utf-8")
        except UnicodeDecodeError as error:
            self._problem(name, f"it is not UTF-8 (byte {error.start})")
            return None

    def _toml(self, name: str, form: type[SpecType]) -> SpecType | None:
        text = self._text(name)
        if text is None:
            return None
        try:
            return form.model_validate(tomllib.loads(text))
        except tomllib.TOMLDecodeError as error:
            self._problem(name, f"it is not TOML: {error}")
        except ValidationError as error:
            self._validation(name, error)
        return None

    def _validation(self, name: str, error: ValidationError) -> None:
        for entry in error.errors(include_url=False):
            where = ".".join(str(part) for part in entry["loc"]) or "(whole file)"
            advice = (
                "unknown key: remove it or correct its spelling" if entry["type"] == "extra_forbidden" else entry["msg"]
            )
            self._problem(name, f"{where}: {advice}")

    def _scenarios(self) -> Mapping[str, ScenarioSpec]:
        found: dict[str, ScenarioSpec] = {}
        for name in self._below("scenarios"):
            spec = self._toml(f"scenarios/{name}", ScenarioSpec)
            if spec is not None and f"{spec.name}.toml" != name:
                self._problem(f"scenarios/{name}", f"name is {spec.name!r}; it must equal the file's name")
            elif spec is not None:
                found[spec.name] = spec
        return found

    def _prompts(self) -> Mapping[str, str]:
        found: dict[str, str] = {}
        for name in self._below("prompts"):
            text = self._text(f"prompts/{name}")
            if text is None:
                continue
            try:
                prompt_check(f"prompts/{name}", text)
            except IndustryError as error:
                self.problems.append(error)
            found[name] = text
        return found

    def _lexicons(self) -> Mapping[str, tuple[LexiconEntry, ...]]:
        found: dict[str, tuple[LexiconEntry, ...]] = {}
        for name in self._below("lexicon"):
            text = self._text(f"lexicon/{name}")
            if text is None:
                continue
            try:
                found[name] = lexicon_parse(f"lexicon/{name}", text)
            except IndustryError as error:
                self.problems.append(error)
        return found

    def _questions(self, name: str) -> tuple[Question, ...]:
        lines = [(n, line) for n, line in enumerate((self._text(name) or "").splitlines(), 1) if line.strip()]
        rows = [row for number, line in lines if (row := self._question(name, number, line)) is not None]
        if not rows:
            return ()
        try:
            return QuestionFile(questions=tuple(rows)).questions
        except ValidationError as error:
            self._validation(name, error)
            return ()

    def _question(self, name: str, number: int, line: str) -> Question | None:
        try:
            return Question.model_validate(json.loads(line))
        except json.JSONDecodeError as error:
            self._problem(f"{name}:{number}", f"it is not JSON: {error.msg}")
        except ValidationError as error:
            self._validation(f"{name}:{number}", error)
        return None
