"""Cross-entropy on the answer's tokens alone, a few rows of logits at a time."""

from typing import Any

import torch
from torch.nn import functional

from liaoyuan.training.adapters.batches import IGNORED, Batch

# 256 rows x 49,152 words in float32 are 50 MB; all answer rows of a batch at once would be the run's largest tensor.
CHUNK = 256


class _ChunkedCrossEntropy(torch.autograd.Function):
    """Sum over rows of -log softmax(hidden @ head.T)[label].

    The head is frozen, so the gradient for ``hidden`` is (softmax - one hot) @ head and is made in the forward pass,
    while the chunk's logits exist anyway; nothing of the vocabulary's size is kept for the backward pass.
    """

    @staticmethod
    def forward(context: Any, hidden: torch.Tensor, head: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        total = torch.zeros((), dtype=torch.float32)
        gradient = torch.empty_like(hidden)
        for start in range(0, hidden.shape[0], CHUNK):
            rows, wanted = hidden[start : start + CHUNK], labels[start : start + CHUNK]
            logs = torch.log_softmax((rows @ head.T).float(), dim=-1)
            total -= logs.gather(1, wanted[:, None]).sum()
            slope = logs.exp_()
            slope[torch.arange(len(wanted)), wanted] -= 1.0
            gradient[start : start + CHUNK] = slope.to(head.dtype) @ head
        context.save_for_backward(gradient)
        return total

    @staticmethod
    def backward(context: Any, *outer: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        (gradient,) = context.saved_tensors
        return gradient * outer[0].to(gradient.dtype), None, None


def answer_hidden(decoder: Any, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
    """Hidden states (rows, width) at the places whose next token is an answer token, and those tokens (rows)."""
    hidden = decoder(input_ids=batch.ids, attention_mask=batch.mask, use_cache=False).last_hidden_state[:, :-1]
    labels = batch.labels[:, 1:]
    wanted = labels != IGNORED
    return hidden[wanted], labels[wanted]


def answer_loss(model: Any, batch: Batch) -> tuple[torch.Tensor, int]:
    """(sum of the cross-entropy in nats, number of answer tokens) of ``batch``;

    ``model`` is a causal language model.
    """
    hidden, labels = answer_hidden(model.model, batch)
    total: torch.Tensor = _ChunkedCrossEntropy.apply(hidden, model.lm_head.weight, labels)  # type: ignore[no-untyped-call]  # untyped there
    return total, len(labels)


def reference_loss(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """The same sum by torch's own function over full logits (n, length, words): what tests compare with."""
    flat = logits[:, :-1].float().reshape(-1, logits.shape[-1])
    return functional.cross_entropy(flat, labels[:, 1:].reshape(-1), ignore_index=IGNORED, reduction="sum")
