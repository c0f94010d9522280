"""Only ``tenancy`` tells PostgreSQL for whom it works, and only for the length of a transaction."""

import re
from pathlib import Path

import pytest

from liaoyuan.accounts.tenancy import TenantContextMissing, current_tenant

ROOT = Path(__file__).resolve().parents[3]
SOURCES = [file for folder in ("platform", "workers", "industries") for file in (ROOT / folder).rglob("*.py")]
# A search tells the planner how far to walk its graph; that says nothing of whose rows it sees.
SETTING = re.compile(r"set_config\s*\((?!'hnsw\.)|\bSET\s+(LOCAL\s+|SESSION\s+)?app\.|app\.organization")
DOORS = {"platform/liaoyuan/accounts/tenancy.py", "platform/liaoyuan/accounts/rls.py"}


def test_nothing_else_touches_the_tenant_setting() -> None:
    found = {str(file.relative_to(ROOT)) for file in SOURCES if SETTING.search(file.read_text(encoding="utf-8"))}
    assert found == DOORS


def test_the_setting_is_never_made_for_the_session() -> None:
    text = (ROOT / "platform/liaoyuan/accounts/tenancy.py").read_text(encoding="utf-8")
    calls = re.findall(r"set_config\('app\.\w+', %s, (\w+)\)", text)
    assert calls == ["true", "true"]
    assert text.count("set_config(") == 2


def test_work_without_a_context_is_refused() -> None:
    with pytest.raises(TenantContextMissing):
        current_tenant()
