"""What the machine says of itself: control groups, processor, accelerators of any vendor, a Ray cluster."""

import json
import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from liaoyuan.compute.adapters.accelerators import (
    QUERY,
    VendorTool,
    accelerators_probe,
    read_amd,
    read_ascend,
    read_nvidia,
)
from liaoyuan.compute.adapters.ray import ray_probe
from liaoyuan.compute.inventory import (
    cgroup_cores,
    cgroup_memory,
    cgroup_memory_used,
    cpu_describe,
    inventory_probe,
)
from liaoyuan.compute.schemas import Accelerator

GIB = 1 << 30
MIB = 1 << 20
NPU_SMI = """\
+------------------------------------------------------------------------------------------------+
| npu-smi 23.0.rc3                 Version: 23.0.rc3                                             |
+---------------------------+---------------+----------------------------------------------------+
| NPU   Name                | Health        | Power(W)    Temp(C)           Hugepages-Usage(page)|
| Chip                      | Bus-Id        | AICore(%)   Memory-Usage(MB)  HBM-Usage(MB)        |
+===========================+===============+====================================================+
| 0     910B3               | OK            | 92.1        36                0    / 0             |
| 0                         | 0000:C1:00.0  | 0           0    / 0          3364 / 65536         |
+===========================+===============+====================================================+
| 1     310P3               | OK            | NA          42                0     / 0            |
| 0       0                 | 0000:01:00.0  | 0           1698 / 21527                           |
+===========================+===============+====================================================+
+---------------------------+---------------+----------------------------------------------------+
| NPU     Chip              | Process id    | Process name             | Process memory(MB)      |
+===========================+===============+====================================================+
| 0       0                 | 12345         | python                   | 3220                    |
+===========================+===============+====================================================+
"""
ROCM_SMI = {
    "card10": {
        "VRAM Total Memory (B)": "68702699520",
        "VRAM Total Used Memory (B)": "10960896",
        "Card Series": "AMD Instinct MI250X",
    },
    "card2": {
        "VRAM Total Memory (B)": "17163091968",
        "VRAM Total Used Memory (B)": "0",
        "Card series": "Radeon RX 6800",
    },
    "system": {"Driver version": "6.3.6"},
}


@pytest.fixture
def group(tmp_path: Path) -> Path:
    (tmp_path / "cpu.max").write_text("150000 100000\n", encoding="ascii")
    (tmp_path / "memory.max").write_text("4294967296\n", encoding="ascii")
    (tmp_path / "memory.current").write_text("3221225472\n", encoding="ascii")
    (tmp_path / "memory.stat").write_text("anon 2147483648\ninactive_file 1073741824\n", encoding="ascii")
    return tmp_path


def test_a_control_group_says_how_much_of_the_machine_is_ours(group: Path) -> None:
    assert cgroup_cores(group) == 1.5
    assert cgroup_memory(group) == 4 * GIB


def test_page_cache_that_can_be_given_back_does_not_count_as_used(group: Path) -> None:
    assert cgroup_memory_used(group) == 2 * GIB


def test_max_and_no_control_group_mean_no_limit(group: Path, tmp_path: Path) -> None:
    (group / "cpu.max").write_text("max 100000\n", encoding="ascii")
    (group / "memory.max").write_text("max\n", encoding="ascii")
    assert cgroup_cores(group) is None and cgroup_memory(group) is None
    nothing = tmp_path / "none"
    assert cgroup_cores(nothing) is None and cgroup_memory(nothing) is None and cgroup_memory_used(nothing) == 0


@pytest.mark.parametrize(
    ("text", "name", "features"),
    [
        (
            "processor : 0\nmodel name : Xeon: 8481C\nflags : fpu avx2 avx512_bf16 amx_bf16\n\nflags : sse\n",
            "Xeon: 8481C",
            ("avx2", "avx512_bf16", "amx_bf16"),
        ),
        (
            "processor : 0\nmodel name : Kunpeng-920\nFeatures : fp asimd i8mm\n",
            "Kunpeng-920",
            ("asimd", "i8mm"),
        ),
    ],
)
def test_the_processor_is_told_by_name_and_telling_features(
    tmp_path: Path, text: str, name: str, features: tuple[str, ...]
) -> None:
    path = tmp_path / "cpuinfo"
    path.write_text(text, encoding="utf-8")
    assert cpu_describe(path) == (name, features)


def test_this_machine_is_probed_without_a_ray_that_nobody_configured(tmp_path: Path) -> None:
    found = inventory_probe(folder=tmp_path / "not" / "yet" / "there")
    assert 0 < found.cores <= (os.cpu_count() or 1)
    assert 0 < found.memory_free_bytes <= found.memory_bytes
    assert found.disk_free_bytes > 0
    assert found.ray is None
    assert json.loads(json.dumps(found.as_dict()))["cores"] == found.cores


def test_nvidia_lines_are_read_even_with_a_comma_in_the_name() -> None:
    text = "0, NVIDIA A100-SXM4-40GB, 40960, 1024\n1, Odd, Card, 8192, 0\n"
    assert read_nvidia(text) == [
        Accelerator("nvidia", "NVIDIA A100-SXM4-40GB", 0, 40960 * MIB, 1024 * MIB),
        Accelerator("nvidia", "Odd, Card", 1, 8192 * MIB, 0),
    ]


def test_the_table_of_npu_smi_is_read_card_by_card_and_processes_are_no_cards() -> None:
    assert read_ascend(NPU_SMI) == [
        Accelerator("ascend", "910B3", 0, 65536 * MIB, 3364 * MIB),
        Accelerator("ascend", "310P3", 1, 21527 * MIB, 1698 * MIB),
    ]


def test_rocm_cards_keep_their_own_numbers_and_the_system_entry_is_no_card() -> None:
    assert read_amd(json.dumps(ROCM_SMI)) == [
        Accelerator("amd", "Radeon RX 6800", 2, 17163091968, 0),
        Accelerator("amd", "AMD Instinct MI250X", 10, 68702699520, 10960896),
    ]
    assert {card.vendor for card in read_amd(json.dumps(ROCM_SMI), vendor="hygon")} == {"hygon"}


def tool(folder: Path, name: str, script: str) -> str:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o700)
    return str(path)


def test_every_tool_says_how_it_went_and_a_broken_one_hides_no_other(tmp_path: Path) -> None:
    good = tool(tmp_path, "good-smi", 'echo "0, Card, 100, 1"')
    broken = tool(tmp_path, "broken-smi", "exit 9")
    strange = tool(tmp_path, "strange-smi", "echo '[]'")
    cards, said = accelerators_probe(
        (
            VendorTool("a", (broken, *QUERY), read_nvidia),
            VendorTool("b", (str(tmp_path / "none-smi"),), read_nvidia),
            VendorTool("c", (strange,), read_amd),
            VendorTool("d", (good,), read_nvidia),
        )
    )
    assert [card.name for card in cards] == ["Card"]
    assert [line.rsplit("/", 1)[1] for line in said] == [
        "broken-smi: failed (CalledProcessError)",
        "none-smi: absent",
        "strange-smi: failed (AttributeError)",
        "good-smi: 1",
    ]


class Dashboard(BaseHTTPRequestHandler):
    """A Ray dashboard as far as the probe asks it."""

    answers: ClassVar[dict[str, Any]] = {}
    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.asked.append(self.headers.get("Authorization", ""))
        body = json.dumps(self.answers[self.path.split("?")[0]]).encode()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body)

    def log_request(self, *args: Any) -> None:
        """Quiet."""


@pytest.fixture
def dashboard() -> Iterator[str]:
    Dashboard.asked.clear()
    server = HTTPServer(("127.0.0.1", 0), Dashboard)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_a_ray_cluster_is_asked_with_its_token_and_counts_its_live_nodes(dashboard: str) -> None:
    states = [{"raylet": {"state": state}} for state in ("ALIVE", "DEAD", "ALIVE")]
    Dashboard.answers = {"/api/version": {"ray_version": "2.49.0"}, "/nodes": {"data": {"summary": states}}}
    found = ray_probe(dashboard, "secret")
    assert (found.reachable, found.version, found.nodes) == (True, "2.49.0", 2)
    assert set(Dashboard.asked) == {"Bearer secret"}


def test_something_else_behind_the_address_is_no_cluster(dashboard: str) -> None:
    Dashboard.answers = {"/api/version": ["hello"], "/nodes": {}}
    assert ray_probe(dashboard, "").reachable is False


@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "http://[", "nonsense"])
def test_an_unreachable_cluster_is_reported_with_the_reason(url: str) -> None:
    found = ray_probe(url, "")
    assert found.reachable is False
    assert found.detail
