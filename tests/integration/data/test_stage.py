"""Stage 2 over a small collection that was imported for real: version, trace, lineage, reuse, and its command."""

import io
import json
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.data.errors import RecipeUnknown
from liaoyuan.data.models import DatasetVersion
from liaoyuan.data.selectors import documents_in_force, recipe_scenario, version_get
from liaoyuan.errors import NotFound
from liaoyuan.industry.selectors import industry_get
from liaoyuan.knowledge.adapters.embeddings import ProcessEmbedder
from liaoyuan.knowledge.selectors import collection_by_name
from liaoyuan.knowledge.services import collection_create, documents_import
from liaoyuan.pipeline.contract import StageName
from liaoyuan.pipeline.models import Artifact, Lineage, RunState, StageRun
from liaoyuan.pipeline.services import solution_create, stage_run_execute, stage_run_start
from liaoyuan.pipeline.storage import file_sha256, storage
from tests.conftest import _member, _organization

DOCUMENTS = {
    "手术安全核查.md": "# 手术安全核查\n\n第一条 巡回护士应当在麻醉开始前 15 分钟完成首次核查。\n\n"
    "第二条 手术医师不得代替麻醉医师签字确认核查表的内容。\n",
    "转科交接.md": "# 转科交接\n\n第一条 责任护士应当在转科后 30 分钟内完成交接记录。\n\n"
    "第二条 患者李建国的联系电话为13912345678，应当登记在册。\n",
    "设备巡检.md": "# 设备巡检\n\n第一条 设备科必须每 7 天对除颤仪巡检一次并登记。\n\n"
    "第二条 临床科室严禁私自拆卸在用的医疗设备及其附件。\n",
    "visitors.md": "# Visitors\n\nEvery visitor must sign the register at the desk.\n\n"
    "A visit lasts at most 45 minutes on ordinary wards.\n",
    "copy.md": "# Copy\n\n第一条 设备科必须每 7 天对除颤仪巡检一次并登记。\n",
}
GROUPED = {"内部通报.md": "# 内部通报\n\n第一条 医务处应当在 3 天内答复科室提出的书面意见。\n"}


class House:
    """One organization with a collection 制度."""

    def __init__(self, engine: ProcessEmbedder, folder: Path) -> None:
        self.organization = _organization("data")
        self.owner = _member(self.organization, "owner")
        self.engine = engine
        self.folder = folder

    def bring(self, files: dict[str, str], groups: list[str] | None = None) -> None:
        paths = []
        for name, text in files.items():
            path = self.folder / name
            path.write_text(text, encoding="utf-8")
            paths.append(path)
        outcomes = documents_import(
            organization_id=self.organization.id,
            collection="制度",
            paths=paths,
            groups=groups,
            user_id=self.owner.user_id,
            engine=self.engine,
        )
        assert {outcome.state for outcome in outcomes} == {"ready"}, outcomes

    def curate(self, scenario: str = "guideline-qa") -> StageRun:
        with self.inside():
            collection = collection_by_name("制度")
            solution, _ = solution_create(
                name=scenario, industry="medical", scenario=scenario, collection_id=collection.id
            )
            run = stage_run_start(stage=StageName.DATA, solution_id=solution.id)
        stage_run_execute(run_id=run.id)
        with self.inside():
            return StageRun.objects.get(id=run.id)

    @contextmanager
    def inside(self) -> Iterator[None]:
        with tenant_context(self.organization.id, self.owner.user_id):
            yield

    def version(self, run: StageRun) -> DatasetVersion:
        assert run.state == RunState.SUCCEEDED, run.error
        with self.inside():
            return version_get(uuid.UUID(run.result["dataset_version"]))

    def artifact(self, identifier: uuid.UUID) -> Artifact:
        with self.inside():
            return Artifact.objects.get(id=identifier)


@pytest.fixture(scope="module")
def build(database: str, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], House]:
    engine = ProcessEmbedder(threads=1)
    return lambda: House(engine, tmp_path_factory.mktemp("documents"))


@pytest.fixture(scope="module")
def house(build: Callable[[], House]) -> House:
    """Shared by the tests that change nothing."""
    found = build()
    found.bring(DOCUMENTS)
    found.bring(GROUPED, groups=["board"])
    return found


@pytest.fixture(scope="module")
def run(house: House) -> StageRun:
    return house.curate()


def rows(house: House, run: StageRun) -> list[dict[str, Any]]:
    path = storage().open_path(house.artifact(house.version(run).id).uri)
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_the_version_holds_samples_of_every_split_and_the_gate_questions(house: House, run: StageRun) -> None:
    version = house.version(run)
    found = rows(house, run)
    by_split = {name: sum(row["split"] == name for row in found) for name in ("train", "eval", "gate")}
    assert by_split == {name: version.counts[name] for name in by_split}
    assert by_split["train"] > 0 and by_split["eval"] > 0
    assert by_split["gate"] == len(industry_get("medical").gate_questions("guideline-qa"))
    assert version.counts["documents"] == len(DOCUMENTS) + len(GROUPED)
    assert version.number == 1


def test_every_answer_leads_back_to_its_document(house: House, run: StageRun) -> None:
    with house.inside():
        documents = {str(ref.id) for ref in documents_in_force(collection_by_name("制度").id)}
    samples = [row for row in rows(house, run) if row["split"] != "gate"]
    for row in samples:
        assert row["source"]["document_version_id"] in documents
        assert row["messages"][-1]["role"] == "assistant"
        assert row["evidence"] in row["messages"][0]["content"]
        assert not row["answerable"] or row["answer"] in row["evidence"]


def test_no_personal_data_reaches_a_sample(house: House, run: StageRun) -> None:
    text = json.dumps(rows(house, run), ensure_ascii=False)
    assert "13912345678" not in text
    dropped = Path(storage().open_path(trace_of(house, run).uri)) / "drops.jsonl"
    lines = [json.loads(line) for line in dropped.read_text(encoding="utf-8").splitlines()]
    late = [line for line in lines if line["operator"] in {"synthesise_qa", "decontaminate", "split"}]
    assert "13912345678" not in json.dumps(late, ensure_ascii=False)


def trace_of(house: House, run: StageRun) -> Artifact:
    kinds = {item["kind"]: item["id"] for item in run.result["artifacts"]}
    return house.artifact(uuid.UUID(kinds["curation_trace"]))


def test_the_drop_trace_accounts_for_every_item_of_every_operator(house: House, run: StageRun) -> None:
    trace = run.result["trace"]
    recipe = industry_get("medical").scenario("guideline-qa").recipe
    assert [step["operator"] for step in trace] == [step.operator for step in recipe.operators]
    folder = storage().open_path(trace_of(house, run).uri)
    assert json.loads((folder / "trace.json").read_text(encoding="utf-8")) == trace
    drops = [json.loads(line) for line in (folder / "drops.jsonl").read_text(encoding="utf-8").splitlines()]
    for step in trace:
        of_step = [item for item in drops if item["operator"] == step["operator"]]
        assert len(of_step) == step["dropped"] == sum(step["reasons"].values())
    near = [item for item in drops if item["reason"] == "near_duplicate"]
    assert len(near) == 1 and "除颤仪" in near[0]["text"] and near[0]["like"]


def test_lineage_leads_from_every_document_to_the_version(house: House, run: StageRun) -> None:
    version = house.version(run)
    with house.inside():
        edges = Lineage.objects.filter(child_id=version.id, child_kind="dataset_version")
        found = {(edge.parent_kind, edge.parent_id, edge.relation) for edge in edges}
        documents = documents_in_force(collection_by_name("制度").id)
        explained = Lineage.objects.get(child_id=trace_of(house, run).id)
    assert found == {("document_version", ref.id, "curated_from") for ref in documents}
    assert (explained.parent_id, explained.relation) == (version.id, "explains")


def test_the_hash_is_of_the_stored_file(house: House, run: StageRun) -> None:
    version = house.version(run)
    artifact = house.artifact(version.id)
    assert version.sha256 == artifact.sha256 == file_sha256(storage().open_path(artifact.uri))


def test_the_version_inherits_the_groups_of_its_documents(house: House, run: StageRun) -> None:
    assert house.version(run).groups == ["board"]


def test_the_same_inputs_give_the_same_version_and_say_so(house: House, run: StageRun) -> None:
    again = house.curate()
    assert again.result["reused"] is True and run.result["reused"] is False
    assert again.result["dataset_version"] == run.result["dataset_version"]
    assert again.result["trace"] == run.result["trace"] and again.result["counts"] == run.result["counts"]
    assert "复用" in again.result["summary_zh"] and "reused" in again.result["summary_en"]
    with house.inside():
        assert DatasetVersion.objects.count() == 1


def test_a_changed_document_gives_a_new_version_and_the_old_one_stays(build: Callable[[], House]) -> None:
    house = build()
    house.bring(DOCUMENTS)
    first = house.version(house.curate())
    house.bring({"设备巡检.md": DOCUMENTS["设备巡检.md"].replace("7 天", "14 天")})
    second = house.version(house.curate())
    assert (first.number, second.number) == (1, 2)
    assert second.sha256 != first.sha256 and second.inputs_sha256 != first.inputs_sha256
    with house.inside():
        assert DatasetVersion.objects.get(id=first.id).sha256 == first.sha256


def test_another_tenant_sees_nothing_of_it(house: House, run: StageRun, other_organization: Any) -> None:
    version = house.version(run)
    with tenant_context(other_organization.id):
        assert not DatasetVersion.objects.exists()
        with pytest.raises(NotFound):
            version_get(version.id)


def test_an_empty_collection_fails_by_its_name_and_says_what_to_do(organization: Any, owner: Any) -> None:
    with tenant_context(organization.id, owner.user_id):
        collection, _ = collection_create(name="空集合")
        solution, _ = solution_create(
            name="s", industry="medical", scenario="guideline-qa", collection_id=collection.id
        )
        run = stage_run_start(stage=StageName.DATA, solution_id=solution.id)
    assert stage_run_execute(run_id=run.id) == RunState.FAILED
    with tenant_context(organization.id):
        error = StageRun.objects.get(id=run.id).error
    assert error["code"] == "nothing_to_curate"
    assert "空集合" in error["zh"] and "空集合" in error["en"]


def command(*arguments: str) -> tuple[dict[str, Any] | None, str]:
    """What ``manage.py data …`` printed last, and what it said about an error (empty where it exited 0)."""
    out, err = io.StringIO(), io.StringIO()
    try:
        call_command("data", *arguments, stdout=out, stderr=err)
    except SystemExit as exit_:
        assert exit_.code == 1
        return None, err.getvalue()
    return json.loads(out.getvalue().strip().splitlines()[-1]), ""


def test_data_run_prints_version_hash_counts_and_trace(house: House, run: StageRun) -> None:
    recipe = industry_get("medical").scenario("guideline-qa").recipe.name
    arguments = ["run", "--organization", house.organization.name, "--recipe", recipe, "--collection", "制度", "--json"]
    printed, _ = command(*arguments)
    assert printed is not None
    version = house.version(run)
    assert printed["dataset_version"] == str(version.id)
    assert printed["hash"] == version.sha256
    assert printed["reused"] is True
    assert set(printed["counts"]) >= {"train", "eval", "gate"}
    assert {"operator", "before", "after", "dropped", "reasons"} <= set(printed["trace"][0])


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"--recipe": "no-such-recipe"}, "recipe_unknown"),
        ({"--collection": "没有"}, "collection_unknown"),
        ({"--organization": "nobody"}, "organization_unknown"),
    ],
)
def test_data_run_says_what_it_does_not_know(house: House, change: dict[str, str], code: str) -> None:
    given = {"--organization": house.organization.name, "--recipe": "guideline-qa", "--collection": "制度"} | change
    printed, said = command("run", *(part for pair in given.items() for part in pair), "--json")
    assert printed is None and code in said


def test_an_unknown_recipe_lists_the_known() -> None:
    with pytest.raises(RecipeUnknown) as caught:
        recipe_scenario("nothing")
    assert "guideline-qa" in caught.value.sentence("zh")


def test_data_pii_prints_spans_whose_positions_hold_the_value(tmp_path: Path) -> None:
    path = tmp_path / "texts.jsonl"
    texts = {"a": "患者张伟明，电话13800138000。", "b": "没有个人信息。", "c": "one\u2028two 13800138000"}
    lines = [json.dumps({"id": key, "text": text}, ensure_ascii=False) for key, text in texts.items()]
    path.write_text("\ufeff" + "\n\n".join(lines) + "\n", encoding="utf-8")
    printed, _ = command("pii", "--json", str(path))
    assert printed is not None
    assert [row["id"] for row in printed["rows"]] == ["a", "b", "c"]
    for row in printed["rows"]:
        for span in row["spans"]:
            assert texts[row["id"]][span["start"] : span["end"]] == span["value"]
    assert {span["label"] for span in printed["rows"][0]["spans"]} == {"PERSON", "PHONE"}
    assert printed["rows"][1]["spans"] == []


@pytest.mark.parametrize("bad", ["{", '{"id": 1}', '{"text": "x"}', "[]", '{"id": 1, "text": 5}'])
def test_data_pii_names_the_bad_line_as_an_editor_counts_it(tmp_path: Path, bad: str) -> None:
    path = tmp_path / "texts.jsonl"
    path.write_text(f'{{"id": 1, "text": "x"}}\n\n{bad}\n', encoding="utf-8")
    printed, said = command("pii", "--json", str(path))
    assert printed is None
    assert "line_invalid" in said and f"{path}, 3" in said


def test_data_pii_refuses_a_file_that_is_not_there_or_not_text(tmp_path: Path) -> None:
    assert "invalid_input" in command("pii", str(tmp_path / "none.jsonl"))[1]
    (tmp_path / "bytes").write_bytes(b"\xff\xfe\x00\x01")
    assert "invalid_input" in command("pii", str(tmp_path / "bytes"))[1]
