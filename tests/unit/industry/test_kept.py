"""A pack that was read and verified is not read again before something about it changes."""

import os
from pathlib import Path

import pytest

from liaoyuan.industry import kept
from liaoyuan.industry.errors import PackTampered
from liaoyuan.industry.loader import Trust, pack_load
from tests.unit.industry.packs import put


@pytest.fixture
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the pack had lain there for long."""
    monkeypatch.setattr(kept, "_kept", {})
    monkeypatch.setattr(kept, "SETTLED_SECONDS", -3600.0)


def test_an_untouched_pack_is_read_once(pack: Path, trust: Trust, settled: None) -> None:
    assert pack_load(pack, trust) is pack_load(pack, trust)


def test_a_pack_that_was_written_just_now_is_not_kept(
    pack: Path, trust: Trust, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "SETTLED_SECONDS", 3600.0)

    assert pack_load(pack, trust) is not pack_load(pack, trust)


def test_a_kept_pack_that_is_changed_is_refused_even_with_its_old_size_and_time(
    pack: Path, trust: Trust, settled: None
) -> None:
    pack_load(pack, trust)
    file = pack / "prompts" / "answer.md"
    before = file.stat()
    text = file.read_text()
    file.write_text(text[:-2] + "x" + text[-1])
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))

    assert file.stat().st_size == before.st_size
    with pytest.raises(PackTampered):
        pack_load(pack, trust)


def test_a_file_added_to_a_kept_pack_is_noticed(pack: Path, trust: Trust, settled: None) -> None:
    pack_load(pack, trust)
    put(pack, "prompts/extra.md", "added")

    with pytest.raises(PackTampered):
        pack_load(pack, trust)


def test_a_key_that_is_trusted_no_more_ends_what_was_kept(pack: Path, trust: Trust, settled: None) -> None:
    pack_load(pack, trust)

    with pytest.raises(Exception, match="not trusted"):
        pack_load(pack, Trust((), trust.folder))
