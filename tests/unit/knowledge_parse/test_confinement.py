"""The child that reads hostile bytes has no network, writes nothing, and may use only so much."""

import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from reportlab.pdfgen.canvas import Canvas

from liaoyuan.knowledge.parse import process
from liaoyuan.knowledge.parse.errors import Corrupt, NoSuchPage
from liaoyuan.knowledge.parse.limits import Limits
from liaoyuan.knowledge.parse.pages import render_page
from liaoyuan.knowledge.parse.process import Child
from liaoyuan.knowledge.parse.sandbox import parse_file

PYTHON_PATH = str(Path(__file__).parents[3] / "platform")


def confined(code: str) -> str:
    """Runs ``code`` in a process that confined itself as a parsing child does."""
    start = "import os, socket\nfrom liaoyuan.knowledge.parse.confine import confine\nlayers = confine(memory_mb=500)\n"
    ran = subprocess.run(
        [sys.executable, "-c", start + code],
        env={"PYTHONPATH": PYTHON_PATH},
        capture_output=True,
        text=True,
        timeout=60,
    )
    return (ran.stdout + ran.stderr).strip()


def inner(child: Child) -> int:
    """The process that parses, as this machine numbers it: bubblewrap stands around it where it is installed."""
    around = psutil.Process(child.process.pid).children(recursive=True)
    return around[-1].pid if around else child.process.pid


def needs(layer: str) -> None:
    if layer not in confined("print(layers)"):
        pytest.skip(f"this kernel does not give {layer} to an ordinary process")


def test_the_network_is_gone() -> None:
    needs("network_namespace")
    with Child(memory_mb=2560) as child:
        assert Path(f"/proc/{inner(child)}/ns/net").readlink() != Path("/proc/self/ns/net").readlink()
        devices = Path(f"/proc/{inner(child)}/net/dev").read_text().splitlines()[2:]
        assert [line.split(":")[0].strip() for line in devices] == ["lo"]


def test_a_listener_on_loopback_cannot_be_reached() -> None:
    needs("network_namespace")
    import socket

    with socket.create_server(("127.0.0.1", 0)) as server:
        said = confined(f"socket.create_connection(('127.0.0.1', {server.getsockname()[1]}), 2)")
    assert "OSError" in said or "PermissionError" in said or "unreachable" in said


@pytest.mark.parametrize(
    "attempt", ["open('/etc/passwd')", "open('/tmp/liaoyuan-probe', 'w')", "os.listdir(os.path.expanduser('/root'))"]
)
def test_files_outside_the_libraries_are_closed(attempt: str) -> None:
    needs("landlock")
    assert "PermissionError" in confined(attempt)


def test_a_program_gains_no_rights() -> None:
    status = confined("print(open('/proc/self/status').read())")
    assert "NoNewPrivs:\t1" in status
    assert "CapEff:\t0000000000000000" in status or "CapEff:\t0000000000000004" in status


def test_limits_hold_in_the_child() -> None:
    with Child(memory_mb=2560) as child:
        limits = Path(f"/proc/{inner(child)}/limits").read_text()
    rows = {line[:26].strip(): line[26:].split()[0] for line in limits.splitlines()[1:]}
    assert rows["Max address space"] == str(2560 * 1024 * 1024)
    assert rows["Max core file size"] == "0"
    assert int(rows["Max file size"]) <= 1 << 20


def test_the_child_sees_none_of_our_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIAOYUAN_SECRET_KEY", "canary")
    with Child(memory_mb=2560) as child:
        assert b"canary" not in Path(f"/proc/{inner(child)}/environ").read_bytes()


def test_the_outcome_says_what_held_the_child(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("text")
    outcome = parse_file(tmp_path / "a.txt", limits=Limits())
    assert "rlimits" in outcome.confinement
    assert outcome.peak_memory_mb > 1


def test_a_page_is_drawn_as_png(tmp_path: Path) -> None:
    page = Canvas(str(tmp_path / "a.pdf"), pagesize=(200, 100))
    page.drawString(20, 50, "text")
    page.save()
    picture = render_page(tmp_path / "a.pdf", 1, 2.0)
    assert picture.startswith(b"\x89PNG")
    assert (int.from_bytes(picture[16:20], "big"), int.from_bytes(picture[20:24], "big")) == (400, 200)
    with pytest.raises(NoSuchPage):
        render_page(tmp_path / "a.pdf", 2)
    (tmp_path / "b.pdf").write_bytes(b"%PDF-1.4 nothing")
    with pytest.raises(Corrupt):
        render_page(tmp_path / "b.pdf", 1)


def test_bubblewrap_gives_the_child_a_root_of_its_own() -> None:
    wrapper = process._wrapper()
    if not wrapper:
        pytest.skip("bubblewrap is not installed here, or the kernel does not let it work")
    code = "import os; print(*[name for name in ('/etc/passwd', '/var', '/home', '/srv') if os.path.exists(name)])"
    ran = subprocess.run([*wrapper, sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (ran.returncode, ran.stdout.strip()) == (0, "")
    with Child(memory_mb=2560) as child:
        assert child.confinement[0] == "bubblewrap"
