"""A line of ten thousand files is told as quickly as one of ten, also right after they came."""

from typing import Any
from uuid import UUID

import pytest
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext

from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.knowledge.models import Collection
from liaoyuan.knowledge.services.collecting import collection_create
from liaoyuan.knowledge.waiting.selectors import Line, line_of
from liaoyuan.pipeline.contract import StageName
from liaoyuan.pipeline.models import StageRun
from liaoyuan.pipeline.services import stage_run_start, worker_beat
from tests.integration.portal.windows import window

# What a query may take at the worst; the plan that this is about took forty seconds.
PATIENCE = "10s"
ROWS = """
INSERT INTO knowledge_importitem (id, organization_id, created_at, collection_id, run_id, position, path, name, format,
    size, state, code, reason_zh, reason_en, flags, expected_seconds, seconds, share, peak_memory_mb, pages, blocks,
    chunks, version, tries, finished_at)
SELECT gen_random_uuid(), %(organization)s, now(), %(collection)s, %(run)s, n, '/x/' || n, n || '.md', 'md', 100,
    CASE WHEN n < %(ready)s THEN 'ready' WHEN n < %(ready)s + %(failed)s THEN 'rejected' ELSE 'queued' END,
    '', '', '', '{}', 0.1, 0, 0.1, 0, 0, 0, 0, 0, 0, CASE WHEN n < %(ready)s + %(failed)s THEN now() END
FROM generate_series(0, %(all)s - 1) n
"""


def lined_up(organization: Any, member: Any, name: str, *, ready: int, failed: int, queued: int) -> Collection:
    """An import in the middle. The planner knows nothing of its rows yet."""
    with tenant_context(organization.id, member.user_id):
        made = collection_create(name=name)[0]
        spec = {"collection": name, "collection_id": str(made.id), "paths": []}
        run: UUID = stage_run_start(stage=StageName.INGEST, spec=spec).id
        # As if earlier imports had taught it: of what nothing is known nobody can tell the end.
        StageRun.objects.filter(id=run).update(expected_seconds=60)
        values = {"organization": organization.id, "collection": made.id, "run": run}
        counts = {"ready": ready, "failed": failed, "all": ready + failed + queued}
        with connections["default"].cursor() as cursor:
            cursor.execute(ROWS, values | counts)
    return made


@pytest.fixture
def collections(organization: Any, owner: Any) -> list[Collection]:
    worker_beat(name="w", queues=["ingest"], slots=1)
    few = lined_up(organization, owner, "few", ready=20, failed=5, queued=20)
    return [few, lined_up(organization, owner, "many", ready=4000, failed=1000, queued=9000)]


def told(organization: Any, owner: Any, collection: Collection, **given: Any) -> tuple[Line, int]:
    with tenant_context(organization.id, owner.user_id):
        with connections["default"].cursor() as cursor:
            cursor.execute(f"SET LOCAL statement_timeout = '{PATIENCE}'")
        with CaptureQueriesContext(connection) as queries:
            return line_of(collection.id, **given), len(queries)


def test_ten_thousand_files_cost_as_many_questions_as_ten_and_each_has_its_reason(
    organization: Any, owner: Any, collections: list[Collection]
) -> None:
    few, many = collections
    (_short, asked), (line, asked_of_many) = (told(organization, owner, each) for each in (few, many))
    assert asked_of_many == asked < 15
    assert (line.queued, line.rejected, line.open, len(line.files)) == (9000, 1000, 9000, 50)
    assert [file.position for file in line.files] == list(range(1, 51))
    assert all(file.reason_zh and file.reason_en and file.until for file in line.files)
    last, _asked = told(organization, owner, many, state="open", offset=8990)
    assert [file.position for file in last.files] == list(range(8991, 9001))
    ends = [file.until for file in last.files]
    assert ends == sorted(ends) and line.until is not None and ends[-1] is not None
    assert abs((line.until - ends[-1]).total_seconds()) < 60, "the end of the last is the end of the line"


def test_while_its_import_runs_a_file_in_line_says_so(
    organization: Any, owner: Any, collections: list[Collection]
) -> None:
    with tenant_context(organization.id):
        StageRun.objects.filter(spec__collection="few").update(state="running")
    line, _asked = told(organization, owner, collections[0], state="open")
    assert {file.reason_en for file in line.files} == {"its import is going on and reads file by file"}
    assert all(file.position and file.until for file in line.files)


def test_the_page_of_a_collection_is_as_large_and_asks_as_much_however_long_the_line(
    organization: Any, owner: Any, collections: list[Collection]
) -> None:
    client, seen = window(owner), []
    client.get(f"/collections/{collections[0].id}/")
    for collection in collections:
        with CaptureQueriesContext(connection) as queries:
            answer = client.get(f"/collections/{collection.id}/")
        assert answer.status_code == 200
        seen.append((len(queries), len(answer.content)))
    (asked, size), (asked_of_many, size_of_many) = seen
    assert asked_of_many <= asked
    assert size_of_many < size * 2, "a page of the line, not the line"


def test_a_stranger_hears_of_no_file(other_organization: Any, stranger: Any, collections: list[Collection]) -> None:
    line, _asked = told(other_organization, stranger, collections[1])
    assert (line.open, line.files) == (0, [])
