"""A source as its keepers handle it: paused, removed, scheduled; strangers do not know it; its secrets are sealed."""

from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.errors import NotFound
from liaoyuan.knowledge.models import Document, DocumentVersion
from liaoyuan.knowledge.sources import services
from liaoyuan.knowledge.sources.errors import SourceBusy
from liaoyuan.knowledge.sources.models import Source, SourceItem
from liaoyuan.knowledge.sources.opening import source_open
from liaoyuan.knowledge.sources.services import SourceSpec, source_add
from liaoyuan.pipeline.services import stage_run_execute
from tests.integration.knowledge_sources.conftest import NURSING, Add, Sync


def test_a_source_is_paused_removed_and_unknown_to_strangers(
    organization: Any, other_organization: Any, add: Add, sync: Sync, root: Path
) -> None:
    (root / "a.md").write_text(NURSING)
    source = add(every_minutes=15)
    with tenant_context(other_organization.id):
        assert not Source.objects.exists() and not SourceItem.objects.exists()
        for verb in (services.source_sync, services.source_retry, services.source_confirm, services.source_remove):
            with pytest.raises(NotFound):
                verb(source_id=source.id)
    with tenant_context(organization.id):
        services.source_pause(source_id=source.id, paused=True)
        run = services.source_sync(source_id=source.id)
        assert services.source_sync(source_id=source.id).id == run.id
        with pytest.raises(SourceBusy):
            services.source_remove(source_id=source.id)
    stage_run_execute(run_id=run.id, worker="test")
    with tenant_context(organization.id):
        assert services.source_remove(source_id=source.id, documents="end") == 1
        assert DocumentVersion.objects.get().state == "withdrawn"
        assert Document.objects.count() == 1


def test_the_schedule_starts_what_is_due_once(organization: Any, add: Add, root: Path) -> None:
    (root / "a.md").write_text(NURSING)
    source = add(every_minutes=15)
    services.sources_start_due()
    with tenant_context(organization.id):
        first = Source.objects.get().last_run_id
        assert first is not None and Source.objects.get().due_at > source.created_at
    services.sources_start_due()
    with tenant_context(organization.id):
        assert Source.objects.get().last_run_id == first


def test_credentials_are_sealed_for_one_row(organization: Any, collection: Any, settings: Any) -> None:
    settings.SOURCE_S3_ENDPOINTS = ["http://127.0.0.1:9"]
    spec = SourceSpec(
        name="桶",
        kind="s3",
        settings={"endpoint": "http://127.0.0.1:9", "bucket": "docs"},
        credentials={"access_key": "AKIAEXAMPLE", "secret_key": "very-secret-value"},
    )
    with tenant_context(organization.id):
        source = source_add(collection_id=collection.id, spec=spec)
        with connection.cursor() as cursor:
            cursor.execute("SELECT to_jsonb(s)::text FROM knowledge_source s")
            assert "very-secret-value" not in cursor.fetchone()[0]
        source_open(source)
        other = source_add(collection_id=collection.id, spec=SourceSpec(**{**vars_of(spec), "name": "桶二"}))
        other.sealed = source.sealed
        from liaoyuan.knowledge.sources.errors import CredentialsLost

        with pytest.raises(CredentialsLost):
            source_open(other)


def vars_of(spec: SourceSpec) -> dict[str, Any]:
    return {name: getattr(spec, name) for name in spec.__slots__}
