"""Accelerators of any vendor, as the vendor's own tool reports them. A missing tool means none of that vendor."""

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from liaoyuan.compute.schemas import Accelerator

TIMEOUT_SECONDS = 10
MIB = 1 << 20


@dataclass(frozen=True)
class VendorTool:
    """How one vendor's tool is called and read."""

    vendor: str
    argv: tuple[str, ...]
    read: Callable[[str], list[Accelerator]]


def read_nvidia(text: str) -> list[Accelerator]:
    """``index, name, total MiB, used MiB`` a line."""
    return read_csv("nvidia", text)


def read_ascend(text: str) -> list[Accelerator]:
    """``npu-smi info``: a table whose first row a card carries id and name, the second "used / total" MB of memory."""
    cards = []
    pattern = re.compile(r"^\|\s*(\d+)\s+(\w[\w-]*)\s*\|.*?\n\|.*?(\d+)\s*/\s*(\d+)\s*\|\s*$", re.MULTILINE)
    for index, name, used, total in pattern.findall(text):
        cards.append(Accelerator("ascend", name, int(index), int(total) * MIB, int(used) * MIB))
    return cards


def read_amd(text: str, vendor: str = "amd") -> list[Accelerator]:
    """``rocm-smi --showmeminfo vram --showproductname --json``; Hygon's ``hy-smi`` answers in the same form."""
    body = json.loads(text)
    cards = {int(key.removeprefix("card")): card for key, card in body.items() if re.fullmatch(r"card\d+", key)}
    return [_amd_card(vendor, index, card) for index, card in sorted(cards.items())]


def _amd_card(vendor: str, index: int, card: dict[str, str]) -> Accelerator:
    name = card.get("Card series") or card.get("Card Series") or f"card{index}"
    total, used = int(card["VRAM Total Memory (B)"]), int(card.get("VRAM Total Used Memory (B)", 0))
    return Accelerator(vendor, name, index, total, used)


def read_csv(vendor: str, text: str) -> list[Accelerator]:
    """Lines as ``--query-gpu`` gives them; a comma inside of the name stays in it."""
    cards = []
    for line in text.strip().splitlines():
        index, rest = line.split(",", 1)
        name, total, used = (part.strip() for part in rest.rsplit(",", 2))
        cards.append(Accelerator(vendor, name, int(index), int(float(total)) * MIB, int(float(used)) * MIB))
    return cards


QUERY = ("--query-gpu=index,name,memory.total,memory.used", "--format=csv,noheader,nounits")
TOOLS: tuple[VendorTool, ...] = (
    VendorTool("nvidia", ("nvidia-smi", *QUERY), read_nvidia),
    VendorTool("ascend", ("npu-smi", "info"), read_ascend),
    VendorTool("amd", ("rocm-smi", "--showmeminfo", "vram", "--showproductname", "--json"), read_amd),
    VendorTool(
        "hygon", ("hy-smi", "--showmeminfo", "vram", "--showproductname", "--json"), partial(read_amd, vendor="hygon")
    ),
    VendorTool("iluvatar", ("ixsmi", *QUERY), partial(read_csv, "iluvatar")),
)


def accelerators_probe(tools: tuple[VendorTool, ...] = TOOLS) -> tuple[tuple[Accelerator, ...], tuple[str, ...]]:
    """The cards found, and a line a tool with its answer: ``nvidia-smi: absent``, ``npu-smi: 8``."""
    cards: list[Accelerator] = []
    said = []
    for tool in tools:
        found, word = _ask(tool)
        cards += found
        said.append(f"{tool.argv[0]}: {word}")
    return tuple(cards), tuple(said)


def _ask(tool: VendorTool) -> tuple[list[Accelerator], str]:
    path = shutil.which(tool.argv[0])
    if path is None:
        return [], "absent"
    try:
        done = subprocess.run(
            [path, *tool.argv[1:]], capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=True
        )
        found = tool.read(done.stdout)
    except (OSError, subprocess.SubprocessError, ValueError, LookupError, AttributeError) as error:
        # A driver may answer in a form nobody has seen: that is reported, and is no reason to plan nothing at all.
        return [], f"failed ({type(error).__name__})"
    return found, str(len(found))
