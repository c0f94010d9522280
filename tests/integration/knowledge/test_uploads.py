"""Files in parts: nothing that arrived is lost, nothing too large is begun, no name leads anywhere."""

import hashlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.conf import settings

from liaoyuan.errors import InvalidInput, NotFound
from liaoyuan.knowledge import errors
from liaoyuan.knowledge.models import Upload
from liaoyuan.knowledge.services import collection_create
from liaoyuan.knowledge.services.uploading import (
    PART_BYTES,
    upload_append,
    upload_name,
    upload_open,
    upload_remove,
    uploads_import,
    uploads_waiting,
)

pytestmark = pytest.mark.usefixtures("tenant")
Enter = Callable[..., AbstractContextManager[Any]]


@pytest.fixture
def batch() -> UUID:
    return uuid4()


def test_a_file_goes_on_where_it_stopped(batch: UUID) -> None:
    row = upload_open(batch=batch, name="a.txt", size=10, modified=1)
    upload_append(upload_id=row.id, batch=batch, offset=0, data=b"01234")
    again = upload_open(batch=batch, name="a.txt", size=10, modified=1)
    assert (again.id, again.received) == (row.id, 5)
    # The answer to the last part was lost: the sender repeats it.
    assert upload_append(upload_id=row.id, batch=batch, offset=0, data=b"01234").received == 5
    with pytest.raises(errors.PartOutOfPlace) as refused:
        upload_append(upload_id=row.id, batch=batch, offset=7, data=b"789")
    assert refused.value.params["received"] == 5
    assert upload_append(upload_id=row.id, batch=batch, offset=5, data=b"56789").complete


def test_bytes_that_were_never_confirmed_are_cut_off(batch: UUID) -> None:
    row = upload_open(batch=batch, name="a.txt", size=6)
    upload_append(upload_id=row.id, batch=batch, offset=0, data=b"abc")
    part = Path(settings.VAR) / "incoming" / str(row.organization_id) / f"{row.id}.part"
    with part.open("ab") as file:
        file.write(b"torn")
    upload_append(upload_id=row.id, batch=batch, offset=3, data=b"def")
    assert part.read_bytes() == b"abcdef"


def test_a_damaged_part_is_not_kept(batch: UUID) -> None:
    row = upload_open(batch=batch, name="a.txt", size=3)
    with pytest.raises(errors.PartDamaged):
        upload_append(upload_id=row.id, batch=batch, offset=0, data=b"abc", sha256="0" * 64)
    digest = hashlib.sha256(b"abc").hexdigest()
    assert upload_append(upload_id=row.id, batch=batch, offset=0, data=b"abc", sha256=digest).complete


def test_two_gigabytes_are_refused_before_the_first_byte(batch: UUID) -> None:
    with pytest.raises(errors.FileTooLarge) as refused:
        upload_open(batch=batch, name="影像.zip", size=2 << 30)
    assert "2.0 GB" in refused.value.sentence("zh")
    assert not Upload.objects.filter(batch=batch).exists()
    with pytest.raises(errors.FileEmpty):
        upload_open(batch=batch, name="a.txt", size=0)
    row = upload_open(batch=batch, name="a.txt", size=PART_BYTES + 1)
    with pytest.raises(InvalidInput):
        upload_append(upload_id=row.id, batch=batch, offset=0, data=bytes(PART_BYTES + 1))
    upload_append(upload_id=row.id, batch=batch, offset=0, data=bytes(PART_BYTES))
    with pytest.raises(errors.PartOutOfPlace):
        upload_append(upload_id=row.id, batch=batch, offset=PART_BYTES, data=b"ab")


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("a\u200b\u202e.txt", "a.txt"),
        ("制度/手卫生 \t规范.md", "制度/手卫生 规范.md"),
        ("C:\\Users\\a.txt", "C:/Users/a.txt"),
        ("/etc/./passwd", "etc/passwd"),
        ("<img src=x onerror=alert(1)>.txt", "<img src=x onerror=alert(1)>.txt"),
    ],
)
def test_names_are_cleaned(typed: str, kept: str) -> None:
    assert upload_name(typed) == kept


@pytest.mark.parametrize("typed", ["", "\u200b", "../a.txt", "a/../../b", ".hidden", "x/.git/config", "长" * 80])
def test_names_that_lead_elsewhere_or_show_nothing_are_refused(typed: str) -> None:
    with pytest.raises(errors.FileNameUnusable):
        upload_name(typed)


def test_another_file_of_the_same_name_is_told(batch: UUID) -> None:
    row = upload_open(batch=batch, name="a.txt", size=3, modified=1)
    with pytest.raises(errors.FileNameTaken):
        upload_open(batch=batch, name="a\u200b.txt", size=4, modified=2)
    upload_remove(upload_id=row.id, batch=batch)
    assert upload_open(batch=batch, name="a.txt", size=4, modified=2).received == 0


def test_a_batch_is_its_owners_alone(organization: Any, steward: Any, batch: UUID, in_tenant: Enter) -> None:
    row = upload_open(batch=batch, name="a.txt", size=3)
    with in_tenant(organization, steward), pytest.raises(NotFound):
        upload_append(upload_id=row.id, batch=batch, offset=0, data=b"abc")
    with pytest.raises(NotFound):
        upload_remove(upload_id=row.id, batch=uuid4())


def test_two_people_send_files_of_one_name_into_one_collection_at_once(
    organization: Any, steward: Any, batch: UUID, in_tenant: Enter
) -> None:
    """Each imports what they sent, for the readers that they chose."""
    collection, _ = collection_create(name=f"c {batch}")
    ours = upload_open(batch=batch, name="a.txt", size=3)
    with in_tenant(organization, steward):
        theirs = upload_open(batch=batch, name="a.txt", size=4)
        upload_append(upload_id=theirs.id, batch=batch, offset=0, data=b"abcd")
        run = uploads_import(batch=batch, collection=collection)
    assert theirs.id != ours.id and run
    assert [file.read_bytes() for file in Path(run.spec["paths"][0]).rglob("*.txt")] == [b"abcd"]
    assert uploads_waiting(batch) == [ours]


def test_whole_files_are_imported_and_the_rest_stays(batch: UUID) -> None:
    collection, _ = collection_create(name=f"c {batch}")
    assert uploads_import(batch=batch, collection=collection) is None
    for name in ("a.txt", "folder/b.txt"):
        row = upload_open(batch=batch, name=name, size=3)
        upload_append(upload_id=row.id, batch=batch, offset=0, data=b"abc")
    half = upload_open(batch=batch, name="c.txt", size=3)
    run = uploads_import(batch=batch, collection=collection, groups=["board"])
    assert run
    folder = Path(run.spec["paths"][0])
    assert sorted(str(f.relative_to(folder)) for f in folder.rglob("*.txt")) == ["a.txt", "folder/b.txt"]
    assert (run.stage, run.spec["groups"]) == ("ingest", ["board"])
    assert uploads_import(batch=batch, collection=collection) is None
    assert list(Upload.objects.filter(batch=batch, import_run__isnull=True)) == [half]
