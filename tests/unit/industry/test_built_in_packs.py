"""Every pack that ships with the platform loads, is signed by the project and passes its own static tests."""

from pathlib import Path

import pytest

from liaoyuan.industry.examination import pack_test
from liaoyuan.industry.loader import Trust, pack_folders, pack_load

ROOT = Path(__file__).resolve().parents[3] / "industries"
FOLDERS = [pytest.param(folder, id=name) for name, folder in sorted(pack_folders([ROOT]).items())]
PROJECT = Trust.from_folders()
LARGEST_PACK_BYTES = 2 * 2**20


def test_the_medical_pack_is_there() -> None:
    assert "medical" in pack_folders([ROOT])


@pytest.mark.parametrize("folder", FOLDERS)
def test_it_loads_signed_by_the_project(folder: Path) -> None:
    assert pack_load(folder, PROJECT).signed_by == "liaoyuan-project"


@pytest.mark.parametrize("folder", FOLDERS)
def test_its_questions_stand_in_its_documents(folder: Path) -> None:
    result = pack_test(folder, PROJECT)
    assert [problem.en for problem in result.problems] == []
    assert all(gate["passed"] for gate in result.gates)


@pytest.mark.parametrize("folder", FOLDERS)
def test_it_holds_what_a_demonstration_needs(folder: Path) -> None:
    pack = pack_load(folder, PROJECT)
    documents = pack.documents.documents
    assert any(document.scanned for document in documents)
    assert any(document.kind == "table" for document in documents)
    assert {document.language for document in documents} == {"zh", "en"}
    assert len({document.file.rpartition(".")[2] for document in documents}) >= 6
    assert sum(len(data) for data in pack.files.values()) <= LARGEST_PACK_BYTES
    for name in pack.scenarios:
        questions = pack.gate_questions(name)
        assert {question.language for question in questions} == {"zh", "en"}
        assert any(not question.answerable for question in pack.demo_questions(name))


@pytest.mark.parametrize("folder", FOLDERS)
def test_its_licence_notice_says_that_it_is_fictional_sample_data(folder: Path) -> None:
    notice = (folder / "NOTICE").read_text(encoding="utf-8")
    assert "CC0-1.0" in notice
    assert "fictional" in notice.lower()


@pytest.mark.parametrize("folder", FOLDERS)
def test_it_checks_every_kind_of_control(folder: Path) -> None:
    kinds = {control.check for control in pack_load(folder, PROJECT).spec.controls}
    assert {"rls_forced", "isolation_probe", "guard_redteam", "pii_leak", "citation_required", "audit_chain"} <= kinds


@pytest.mark.parametrize("folder", FOLDERS)
def test_no_private_key_travels_with_it(folder: Path) -> None:
    for path in (p for p in folder.rglob("*") if p.is_file()):
        assert b"PRIVATE KEY" not in path.read_bytes()
