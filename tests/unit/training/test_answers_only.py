"""Only the answer is learnt: the prompt, the padding and the template's own words carry no loss."""

import random
from pathlib import Path

import pytest
import torch

from liaoyuan.training.adapters.base import Base
from liaoyuan.training.adapters.batches import IGNORED, collate, encode, encode_fitting, epoch_groups, groups
from liaoyuan.training.adapters.loss import answer_loss, reference_loss
from liaoyuan.training.schemas import Sample, samples_read


def test_labels_are_the_answer_and_the_end_token(base: Base, samples: list[Sample]) -> None:
    item = encode(base.tokenizer, samples[0], base.end)
    learnt = [label for label in item.labels if label != IGNORED]
    assert base.tokenizer.decode(learnt[:-1]) == samples[0].answer
    assert learnt[-1] == base.end
    assert base.tokenizer.decode(item.ids[: item.start]).endswith("<|im_start|>assistant\n")


def test_padding_carries_no_loss_and_no_attention(base: Base, samples: list[Sample]) -> None:
    items, _ = encode_fitting(base.tokenizer, samples[:3], end=base.end, max_length=128)
    batch = collate(items, base.end)
    assert (batch.labels[batch.mask == 0] == IGNORED).all()
    together, count = answer_loss(base.model, batch)
    apart = [answer_loss(base.model, collate([item], base.end)) for item in items]
    assert count == sum(tokens for _, tokens in apart)
    assert float(together) == pytest.approx(sum(float(loss) for loss, _ in apart), rel=1e-4)


def test_the_chunked_loss_and_its_gradient_are_torchs_own(base: Base, samples: list[Sample]) -> None:
    batch = collate(encode_fitting(base.tokenizer, samples[:9], end=base.end, max_length=128)[0], base.end)
    weight = base.model.model.layers[0].self_attn.q_proj.weight.requires_grad_()
    ours, _ = answer_loss(base.model, batch)
    (our_slope,) = torch.autograd.grad(ours, weight)
    theirs = reference_loss(base.model(input_ids=batch.ids, attention_mask=batch.mask).logits, batch.labels)
    (their_slope,) = torch.autograd.grad(theirs, weight)
    assert float(ours) == pytest.approx(float(theirs), rel=1e-5)
    torch.testing.assert_close(our_slope, their_slope, rtol=1e-3, atol=1e-4)


def test_a_sample_that_is_too_long_is_left_out_whole_and_named(base: Base, samples: list[Sample]) -> None:
    longest = max(len(encode(base.tokenizer, sample, base.end).ids) for sample in samples)
    kept, left_out = encode_fitting(base.tokenizer, samples, end=base.end, max_length=longest - 1)
    assert left_out and len(kept) + len(left_out) == len(samples)


def test_batches_hold_every_sample_once_within_the_limit(encoded: list) -> None:  # type: ignore[type-arg]
    made = groups(encoded, 200)
    assert sorted(item.id for group in made for item in group) == sorted(item.id for item in encoded)
    assert all(len(group) == 1 or len(group) * max(len(i.ids) for i in group) <= 200 for group in made)


def test_an_epochs_order_depends_on_seed_and_epoch_alone(encoded: list) -> None:  # type: ignore[type-arg]
    def order(seed: int, epoch: int, items: list) -> list[str]:  # type: ignore[type-arg]
        return [i.id for group in epoch_groups(items, batch_tokens=200, seed=seed, epoch=epoch) for i in group]

    shuffled = random.Random(3).sample(encoded, len(encoded))
    assert order(1, 0, encoded) == order(1, 0, shuffled)
    assert order(1, 0, encoded) != order(1, 1, encoded)
    assert order(1, 0, encoded) != order(2, 0, encoded)


def test_the_general_set_is_forty_short_answers() -> None:
    general = samples_read(Path(__file__).parents[3] / "platform/liaoyuan/training/general.jsonl")
    assert len({sample.id for sample in general}) == 40
