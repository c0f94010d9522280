"""The industry packs on this machine: seal, version, scenarios, and how the last test went."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from liaoyuan.accounts.tenancy import system_context
from liaoyuan.console.models import OperatorEvent
from liaoyuan.errors import NotFound
from liaoyuan.industry.examination import Examination, pack_validate
from liaoyuan.industry.loader import pack_folders
from liaoyuan.industry.pack import IndustryPack
from liaoyuan.industry.selectors import industry_roots, industry_survey, industry_trust

TESTED = "console.pack_test"
VALIDATED = "console.pack_validate"


@dataclass(frozen=True)
class LastTest:
    """The newest examination that an operator ran here."""

    event: OperatorEvent

    @property
    def ok(self) -> bool:
        return bool(self.event.detail.get("ok"))

    @property
    def gates(self) -> list[dict[str, Any]]:
        return list(self.event.detail.get("gates", []))

    @property
    def problems(self) -> list[dict[str, str]]:
        return list(self.event.detail.get("problems", []))


@dataclass(frozen=True)
class PackShown:
    """One pack; ``pack`` None when it was refused, and ``problem`` (zh, en) says why."""

    name: str
    folder: Path
    pack: IndustryPack | None
    problem_zh: str
    problem_en: str
    last: LastTest | None

    @property
    def shipped(self) -> bool:
        """Whether it came with the platform, not installed by an operator."""
        return self.folder.parent == industry_roots()[0]


def packs() -> list[PackShown]:
    """Every pack that lies in one of the roots, verified now."""
    folders = pack_folders(industry_roots())
    good, bad = industry_survey()
    by_name = {pack.name: pack for pack in good}
    last = _last_tests(list(folders))
    found = []
    for name, folder in sorted(folders.items()):
        error = bad.get(name)
        zh, en = (error.sentence("zh"), error.sentence("en")) if error else ("", "")
        found.append(PackShown(name, folder, by_name.get(name), zh, en, last.get(name)))
    return found


def pack_folder(name: str) -> Path:
    """The folder of the pack called ``name``. Raises NotFound."""
    folder = pack_folders(industry_roots()).get(name)
    if folder is None:
        raise NotFound
    return folder


def pack_examined(name: str) -> Examination:
    """Seal, format, references and code, looked at now. Raises NotFound."""
    return pack_validate(pack_folder(name), industry_trust())[0]


def _last_tests(names: list[str]) -> dict[str, LastTest]:
    with system_context("tests of packs") as alias:
        events = OperatorEvent.objects.using(alias).filter(action__in=[TESTED, VALIDATED], object_id__in=names)
        return {
            event.object_id: LastTest(event) for event in events.order_by("object_id", "-seq").distinct("object_id")
        }
