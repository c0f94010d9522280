from pathlib import Path

import pytest

from liaoyuan.industry.loader import Trust
from tests.unit.industry.packs import pack_write, signed, trust_in


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    return tmp_path / "author.pem"


@pytest.fixture
def trust(key_file: Path) -> Trust:
    """Trust in the author's key only."""
    return trust_in(key_file)


@pytest.fixture
def pack(tmp_path: Path, key_file: Path) -> Path:
    """A whole pack, signed by the author."""
    return signed(pack_write(tmp_path / "packs"), key_file)
