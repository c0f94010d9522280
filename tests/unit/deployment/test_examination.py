"""Which questions a bundle is examined with: the pack's where its documents are there, else the documents' own."""

import json
import uuid
from pathlib import Path
from typing import Any

import pytest

from liaoyuan.deployment.examination import MOST_SYNTHESISED, questions_for
from liaoyuan.industry.pack import IndustryPack
from liaoyuan.industry.selectors import industry_get
from liaoyuan.pipeline.contract import ArtifactRef
from liaoyuan.pipeline.storage import storage

SCENARIO = "guideline-qa"


@pytest.fixture(scope="module")
def pack() -> IndustryPack:
    return industry_get("medical")


def documents(names: list[str]) -> list[ArtifactRef]:
    return [ArtifactRef("document_version", uuid.uuid4(), name=name) for name in names]


def of_the_pack(pack: IndustryPack) -> list[ArtifactRef]:
    gate = pack.gate_questions(SCENARIO)
    return documents(sorted({item.split("#")[0] for question in gate for item in question.evidence}))


def row(number: int, split: str = "eval", **more: Any) -> dict[str, Any]:
    source = {"document": "值班制度", "locator": "第一条"}
    return {
        "id": f"s{number}",
        "question": f"问题{number}",
        "answer": f"答案第{number}句。",
        "split": split,
        "answerable": True,
        "source": source,
    } | more


def dataset(folder: Path, rows: list[dict[str, Any]]) -> ArtifactRef:
    path = folder / "samples.jsonl"
    path.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in rows), encoding="utf-8")
    key = f"test/dataset_version/{uuid.uuid4()}/samples.jsonl"
    storage().put(key, path)
    return ArtifactRef("dataset_version", uuid.uuid4(), uri=key)


def ask(pack: IndustryPack, refs: list[ArtifactRef], data: ArtifactRef | None = None) -> tuple[str, list[Any]]:
    return questions_for(pack, pack.scenario(SCENARIO), data, refs)


def test_the_packs_own_documents_are_examined_with_the_packs_questions(pack: IndustryPack) -> None:
    source, questions = ask(pack, of_the_pack(pack))
    assert source == "pack"
    assert {question.id for question in questions} == {question.id for question in pack.gate_questions(SCENARIO)}


def test_a_title_counts_as_well_as_a_file_name(pack: IndustryPack) -> None:
    renamed = [
        ArtifactRef("document_version", ref.id, name=f"{number}.pdf", meta={"title": f" {ref.name} （2026版）"})
        for number, ref in enumerate(of_the_pack(pack))
    ]
    assert ask(pack, renamed)[0] == "pack"


def test_a_question_whose_document_is_missing_is_not_asked(pack: IndustryPack) -> None:
    refs = of_the_pack(pack)
    source, questions = ask(pack, refs[1:])
    missing = refs[0].name
    assert source == "pack"
    assert all(not item.startswith(missing) for question in questions for item in question.evidence)


def test_an_enterprises_own_folder_is_examined_with_its_held_out_samples(pack: IndustryPack, tmp_path: Path) -> None:
    rows = [row(1), row(2, "train"), row(3, answerable=False), {"split": "gate", "answerable": True, "id": "g"}, row(4)]
    source, questions = ask(pack, documents(["值班制度"]), dataset(tmp_path, rows))
    own = [question for question in questions if question.answerable]
    assert source == "documents"
    assert [question.id for question in own] == ["s1", "s4"]
    assert own[0].evidence == ("值班制度#第一条",) and own[0].must_contain == ("答案第1句。",)
    unanswerable = {q.id for q in pack.gate_questions(SCENARIO) if not q.answerable}
    assert {question.id for question in questions if not question.answerable} == unanswerable


def test_a_place_without_a_locator_is_known_by_its_first_words(pack: IndustryPack, tmp_path: Path) -> None:
    lines = [row(1, source={"document": "制度", "locator": ""}, answer="护士应当在交班前三十分钟完成护理记录。")]
    questions = ask(pack, documents(["制度"]), dataset(tmp_path, lines))[1]
    assert questions[0].evidence == ("制度#护士应当在交班前三十分钟",)


def test_many_held_out_samples_are_taken_evenly_up_to_a_bound(pack: IndustryPack, tmp_path: Path) -> None:
    questions = ask(pack, documents(["制度"]), dataset(tmp_path, [row(n) for n in range(200)]))[1]
    own = [question.id for question in questions if question.answerable]
    assert len(own) == MOST_SYNTHESISED
    assert own[0] == "s0" and own[-1] == "s177"


def test_strange_documents_without_a_dataset_leave_nothing_to_ask(pack: IndustryPack, tmp_path: Path) -> None:
    assert ask(pack, documents(["别的"])) == ("documents", [])
    assert ask(pack, documents(["别的"]), dataset(tmp_path, [row(1, "train")])) == ("documents", [])
