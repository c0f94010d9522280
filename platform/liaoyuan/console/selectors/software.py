"""What runs here and under which licences."""

import platform as machine_platform
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from typing import Final

UNKNOWN: Final = "?"
LONGEST_LICENCE: Final = 60


@dataclass(frozen=True)
class Package:
    """One installed distribution and the licence that its own metadata names."""

    name: str
    version: str
    licence: str


def platform_version() -> str:
    """Of Liaoyuan itself."""
    try:
        return metadata.version("liaoyuan")
    except metadata.PackageNotFoundError:
        return UNKNOWN


def python_version() -> str:
    return f"{machine_platform.python_implementation()} {machine_platform.python_version()}"


@cache
def packages() -> tuple[Package, ...]:
    """All of them by name. Read once: nothing is installed into a running process."""
    found = {dist.metadata["Name"].lower(): dist for dist in metadata.distributions() if dist.metadata["Name"]}
    return tuple(
        Package(dist.metadata["Name"], dist.version, licence(dist.metadata)) for _, dist in sorted(found.items())
    )


def licence(told: "metadata.PackageMetadata") -> str:
    """The SPDX expression; else the classifiers; else the free text's first line if it is short enough to be a name."""
    names = told.get_all("License-Expression") or []
    if names:
        return str(names[0])
    classifiers = [line for line in told.get_all("Classifier") or [] if line.startswith("License ::")]
    said = [line.rsplit("::", 1)[1].strip() for line in classifiers if line.count("::") > 1]
    if said:
        return ", ".join(dict.fromkeys(said))
    text = str((told.get_all("License") or [""])[0]).strip()
    first = text.splitlines()[0] if text else ""
    return first if 0 < len(first) <= LONGEST_LICENCE else UNKNOWN
