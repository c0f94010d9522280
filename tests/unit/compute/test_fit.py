"""The fit check against numbers worked out by hand for SmolLM2-135M, whose shape its own file gives."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liaoyuan.compute.fit import (
    HEADROOM,
    SERVING_RUNTIME,
    TRAINING_RUNTIME,
    checkpoint_interval,
    fit_check,
    lora_parameters,
    serving_bytes,
    training_bytes,
)
from liaoyuan.compute.plan import model_shape, training_need
from liaoyuan.compute.schemas import ModelShape, ServingNeed, TrainingNeed
from liaoyuan.industry.schemas.recipe import TrainingParams
from liaoyuan.pipeline.base_models import base_model

MIB = 1 << 20


@pytest.fixture(scope="module")
def smol() -> ModelShape:
    return model_shape(base_model())


def test_the_shape_is_read_from_the_file(smol: ModelShape) -> None:
    assert (smol.parameters, smol.layers, smol.hidden, smol.feed_forward) == (134_515_008, 30, 576, 1536)
    assert (smol.heads, smol.kv_heads, smol.vocabulary, smol.context) == (9, 3, 49_152, 8192)
    assert 60 * MIB < smol.file_bytes < 200 * MIB


def test_rank_8_on_all_attention_projections_trains_921600_parameters(smol: ModelShape) -> None:
    # 8 × 30 × ((576 + 576) + (576 + 192) + (576 + 192) + (576 + 576))
    assert lora_parameters(smol, TrainingNeed()) == 921_600


def test_the_feed_forward_projections_count_by_their_own_width(smol: ModelShape) -> None:
    need = TrainingNeed(targets=("gate_proj", "up_proj", "down_proj"))
    assert lora_parameters(smol, need) == 8 * 30 * 3 * (576 + 1536)


def test_training_bytes_part_by_part(smol: ModelShape) -> None:
    assert training_bytes(smol, TrainingNeed(batch_tokens=1536)) == {
        "weights": 538_060_032,
        "adapters": 3_686_400,
        "gradients": 3_686_400,
        "optimizer": 7_372_800,
        "activations": 68 * 576 * 1536 * 30,
        "logits": 3 * 512 * 49_152 * 4,
        "runtime": TRAINING_RUNTIME,
    }


def test_the_key_value_cache_of_four_slots_of_4096_tokens(smol: ModelShape) -> None:
    found = serving_bytes(smol, ServingNeed())
    # 2 (keys, values) × 30 layers × 192 × 2 bytes × 4096 tokens × 4 slots = 360 MiB
    assert found["kv_cache"] == 360 * MIB
    assert found["weights"] == smol.file_bytes
    assert found["runtime"] == SERVING_RUNTIME


def test_what_fits_needs_no_advice_and_ten_per_cent_stay_free(smol: ModelShape) -> None:
    need = fit_check(smol, training=TrainingNeed(), serving=ServingNeed(), available_bytes=0).needed_bytes
    enough, short = math.ceil(need / HEADROOM) + 1, int(need / HEADROOM) - 1
    assert fit_check(smol, training=TrainingNeed(), serving=ServingNeed(), available_bytes=enough).fits
    found = fit_check(smol, training=TrainingNeed(), serving=ServingNeed(), available_bytes=short)
    assert not found.fits and found.advice
    assert fit_check(smol, training=TrainingNeed(), serving=ServingNeed(), available_bytes=enough).advice == ()


@given(available=st.integers(min_value=0, max_value=6 << 30), tokens=st.integers(min_value=512, max_value=16_384))
def test_every_piece_of_advice_alone_makes_it_fit(available: int, tokens: int) -> None:
    smol = model_shape(base_model())
    need = TrainingNeed(batch_tokens=tokens)
    found = fit_check(smol, training=need, serving=ServingNeed(), available_bytes=available)
    for piece in found.advice:
        changed, memory = need, available
        if piece.startswith("batch_tokens="):
            changed = TrainingNeed(batch_tokens=int(piece.split("=")[1]))
        elif piece == "weights=bf16":
            changed = TrainingNeed(batch_tokens=tokens, weight_bytes=2)
        else:
            memory += int(piece.removeprefix("memory+=").removesuffix("MiB")) * MIB
        assert fit_check(smol, training=changed, serving=ServingNeed(), available_bytes=memory).fits, piece


def test_the_recipe_says_what_training_needs_and_the_solution_may_ask_for_less() -> None:
    params = TrainingParams(rank=16, batch_size=2, max_length=256, max_steps=30)
    need = training_need(params, {})
    assert (need.rank, need.batch_tokens, need.steps) == (16, 512, 30)
    assert training_need(params, {"rank": 4, "batch_tokens": 300}).rank == 4
    assert training_need(params, {"batch_tokens": 300}).batch_tokens == 300


def test_the_checkpoint_interval_is_youngs() -> None:
    assert checkpoint_interval(save_seconds=2.0, mean_failure_seconds=3600.0) == 120.0
