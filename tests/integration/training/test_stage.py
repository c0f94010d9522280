"""The training stage through the ledger: what it refuses, what it waits for, what it gives again, what it registers."""

import json
from collections.abc import Callable
from io import StringIO
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.core.management import call_command

from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.pipeline.adapters.model_server import ModelServerClient
from liaoyuan.pipeline.base_models import base_model, base_model_path
from liaoyuan.pipeline.contract import SolutionSpec
from liaoyuan.pipeline.models import Artifact, Lineage, StageRun
from liaoyuan.pipeline.selectors import lineage_up
from liaoyuan.pipeline.services import artifact_register
from liaoyuan.pipeline.storage import file_sha256, storage
from liaoyuan.training.models import ModelVersion, TrainingRun
from liaoyuan.training.schemas import recipe_named
from liaoyuan.training.services import base_model_ensure, base_model_id, lineage_parents, training_run_create
from liaoyuan.training.stage import TrainingStage, training_key
from tests.integration.training.past import PAST

Dataset = Callable[..., UUID]
Run = Callable[..., StageRun]


def test_an_unknown_recipe_fails_with_the_known_names(run: Run, dataset: Dataset) -> None:
    done = run(dataset(), recipe="magic")
    assert (done.state, done.error["code"]) == ("failed", "recipe_unknown")
    assert "default, quick, thorough" in done.error["en"]


def test_an_unknown_field_of_the_recipe_is_refused(run: Run, dataset: Dataset) -> None:
    done = run(dataset(), recipe="quick", learning_rat=0.1)
    assert (done.state, done.error["code"]) == ("failed", "recipe_invalid")


def test_without_a_dataset_the_run_says_which_stage_comes_first(run: Run) -> None:
    done = run(uuid4())
    assert (done.state, done.error["code"]) == ("failed", "input_missing")


def test_another_tenants_dataset_is_not_there(
    dataset: Dataset, other_organization: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    foreign = dataset()
    with pytest.raises(SystemExit):
        call_command("training", "run", organization=other_organization.name, dataset=str(foreign), recipe="quick")
    foreign_words = capsys.readouterr().err.replace(str(foreign), "ID")
    missing = uuid4()
    with pytest.raises(SystemExit):
        call_command("training", "run", organization=other_organization.name, dataset=str(missing), recipe="quick")
    assert capsys.readouterr().err.replace(str(missing), "ID") == foreign_words


@pytest.mark.usefixtures("no_server")
def test_with_the_model_server_down_the_run_waits_before_it_trains(run: Run, dataset: Dataset) -> None:
    done = run(dataset(), recipe="quick")
    assert (done.state, done.wait_kind) == ("waiting", "engine")
    assert "model server" in done.wait_reason_en and "模型服务" in done.wait_reason_zh


@pytest.mark.usefixtures("no_server")
def test_an_equal_training_is_given_again_and_says_so(run: Run, dataset: Dataset, organization: Any) -> None:
    version = dataset()
    report = past_training(organization.id, version)
    done = run(version, recipe="quick")
    assert done.state == "succeeded"
    assert done.result["reused"] and done.result["training_run"] == str(report)
    assert "reused" in done.result["summary_en"] and "复用" in done.result["summary_zh"]
    # Another seed is another training: that one wants the server.
    assert run(version, recipe="quick", seed=99).state == "waiting"


def test_the_plan_names_recipe_seconds_and_memory(organization: Any) -> None:
    solution = SolutionSpec(organization.id, uuid4(), "medical", "guideline-qa", options={"training": {"rank": 4}})
    plan = TrainingStage().plan(solution)
    assert "rank 4" in plan.summary_en and plan.seconds > 0 and plan.memory_bytes > 1 << 30


def test_the_base_is_registered_as_its_file_says() -> None:
    row = base_model_ensure(file=base_model(), sha256=file_sha256(base_model_path()))
    assert (row.licence, row.languages, row.context_length) == ("Apache-2.0", ["en"], 8192)
    assert 130e6 < row.parameters < 140e6


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.usefixtures("model_server")
def test_a_whole_training_by_command(dataset: Dataset, organization: Any, other_organization: Any) -> None:
    version = dataset(groups=("nurses",))
    words = ["training", "run", "--organization", organization.name, "--dataset", str(version), "--json"]
    out = StringIO()
    call_command(*words, "--recipe", "quick", stdout=out)
    answer = json.loads(out.getvalue().splitlines()[-1])
    assert answer["evaluation"]["tuned"]["loss"] < answer["evaluation"]["base"]["loss"]
    assert answer["tokens_per_second"] > 0 and answer["peak_memory_mb"] > 100 and len(answer["losses"]) > 2
    assert answer["parity"]["first_share"] >= 0.9 and answer["parity"]["visible_share"] >= 0.25
    with tenant_context(organization.id):
        row = TrainingRun.objects.get(id=answer["training_run"])
        graph = lineage_up("training_report", row.id)
        assert {node.kind for node in graph.nodes} == {"training_report", "dataset_version", "base_model"}
        if answer["model_version"]:
            check_version(ModelVersion.objects.get(id=answer["model_version"]))
    with tenant_context(other_organization.id):
        assert not TrainingRun.objects.exists() and not ModelVersion.objects.exists()
    check_server_is_as_before()


def check_version(version: ModelVersion) -> None:
    artifact = Artifact.objects.get(id=version.id)
    assert version.groups == ["nurses"] == artifact.meta["groups"]
    assert set(artifact.meta["gates"]) == {
        "parity_first_token",
        "parity_greedy",
        "forgetting_ratio",
        "heldout_loss_ratio",
    }
    assert file_sha256(storage().open_path(artifact.uri)) == artifact.meta["adapter_sha256"] == version.adapter_sha256
    assert Lineage.objects.filter(child_id=version.id, relation="trained_on").count() == 1


def check_server_is_as_before() -> None:
    from django.conf import settings

    with ModelServerClient(settings.MODEL_SERVER_URL, settings.MODEL_SERVER_TOKEN) as client:
        assert client.adapters() == []


def past_training(organization_id: UUID, dataset_id: UUID) -> UUID:
    """A finished training on ``dataset_id`` with the quick recipe, in which retrieval alone won."""
    from liaoyuan.pipeline.contract import NewArtifact

    sha256 = file_sha256(base_model_path())
    base_model_ensure(file=base_model(), sha256=sha256)
    recipe = recipe_named("quick")
    with tenant_context(organization_id):
        dataset_sha256 = Artifact.objects.get(id=dataset_id).sha256
        parents = lineage_parents(base_id=base_model_id(sha256), dataset_version_id=dataset_id)
        item = NewArtifact("training_report", "training", parents)
        ref = artifact_register(item=item)
        key = training_key(dataset_sha256, sha256, recipe)
        row = PAST | {"run_id": uuid4(), "dataset_version_id": dataset_id, "key_sha256": key}
        row |= {"recipe": recipe.model_dump(mode="json")}
        return training_run_create(ref=ref, base_id=base_model_id(sha256), made=row).id
