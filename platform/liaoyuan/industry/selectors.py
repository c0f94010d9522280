"""Questions about the installed packs: answered by what is in their folders now."""

from collections.abc import Iterable
from pathlib import Path

from django.conf import settings

from liaoyuan.industry.errors import IndustryError
from liaoyuan.industry.loader import Trust, pack_find, pack_folders, pack_load
from liaoyuan.industry.pack import IndustryPack
from liaoyuan.industry.schemas import ScenarioSpec


def industry_roots() -> tuple[Path, ...]:
    """The folders that hold packs: the built-in ones first, then the installed ones."""
    return tuple(Path(folder) for folder in settings.INDUSTRY_FOLDERS)


def industry_trust() -> Trust:
    """The keys in force.

    Unsigned packs pass only where the operator set INDUSTRY_ALLOW_UNSIGNED, never in production.
    """
    allowed = bool(getattr(settings, "INDUSTRY_ALLOW_UNSIGNED", False)) and not settings.PRODUCTION
    return Trust.from_folders(Path(settings.VAR) / "industry_keys", allow_unsigned=allowed)


def industry_names(roots: Iterable[Path] | None = None) -> list[str]:
    """The names that there are, sorted; says nothing about whether each is in order."""
    return sorted(pack_folders(roots if roots is not None else industry_roots()))


def industry_survey(
    roots: Iterable[Path] | None = None, trust: Trust | None = None
) -> tuple[list[IndustryPack], dict[str, IndustryError]]:
    """The packs in order, by name, and for each of the others what is wrong with it. A page shows both."""
    folders = pack_folders(roots if roots is not None else industry_roots())
    trust = trust or industry_trust()
    packs: list[IndustryPack] = []
    refused: dict[str, IndustryError] = {}
    for name, folder in sorted(folders.items()):
        try:
            packs.append(pack_load(folder, trust))
        except IndustryError as error:
            refused[name] = error
    return packs, refused


def industry_list(roots: Iterable[Path] | None = None, trust: Trust | None = None) -> list[IndustryPack]:
    """Every pack, verified, by name.

    Raises:
        IndustryError: one of them was tampered with or is broken. It is not left out in silence; see `industry_survey`.
    """
    packs, refused = industry_survey(roots, trust)
    for error in refused.values():
        raise error
    return packs


def industry_get(name: str, roots: Iterable[Path] | None = None, trust: Trust | None = None) -> IndustryPack:
    """The verified pack ``name``.

    Raises:
        IndustryUnknown: no such pack; the known names are listed.
        IndustryError: the pack was tampered with or is broken.
    """
    folder = pack_find(name, roots if roots is not None else industry_roots())
    return pack_load(folder, trust or industry_trust())


def scenario_get(industry: str, name: str) -> ScenarioSpec:
    """One scenario of one industry.

    Raises:
        IndustryUnknown, ScenarioUnknown: with the known names.
    """
    return industry_get(industry).scenario(name)
