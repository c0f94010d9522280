"""``manage.py data run`` where nothing will carry the run on: it says what waits, and ends."""

import io
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone

from liaoyuan.accounts.models import Organization
from liaoyuan.accounts.tenancy import system_context, tenant_context
from liaoyuan.knowledge.services import collection_create
from liaoyuan.pipeline.models import RunState, StageRun


@pytest.mark.timeout(60)
def test_the_run_of_a_suspended_organization_is_left_to_its_queue_and_told(organization: Any) -> None:
    with tenant_context(organization.id):
        collection_create(name="制度")
    with system_context("test") as alias:
        Organization.objects.using(alias).filter(id=organization.id).update(suspended_at=timezone.now())
    told = io.StringIO()
    words = ("run", "--organization", organization.name, "--recipe", "guideline-qa", "--collection", "制度", "--json")
    with pytest.raises(SystemExit) as ended:
        call_command("data", *words, stderr=told)
    assert ended.value.code == 1
    assert "suspended" in told.getvalue() and "停用" in told.getvalue()
    with tenant_context(organization.id):
        assert StageRun.objects.get(stage="data").state == RunState.QUEUED
