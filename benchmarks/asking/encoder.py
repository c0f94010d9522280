"""The embedding model's encoder as something that can learn: its weights fixed, low-rank additions beside them.

As :class:`liaoyuan.deployment.serving.e5.model.Encoder` computes it, but padded to one length, because gradients go
through a batch faster than through one window after the other.
"""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from liaoyuan.deployment.serving.e5.engine import Kind
from liaoyuan.deployment.serving.e5.tokenizer import E5Tokenizer
from liaoyuan.deployment.serving.e5.weights import Weights, model_path, unpack

RANK, FIRST_LAYER, DROPOUT = 8, 4, 0.1
MATRICES = ("q", "k", "v", "ao", "fi", "fo")
NORMS = ("aln", "oln")


class AskingEncoder(nn.Module):
    """``additions`` holds ``l<layer>.<matrix>.w/a`` (rank, inputs) and ``…/b`` (outputs, rank) from ``first`` on, named
    as the stored file names them but with ``:`` for ``.``, which a parameter's name must not hold."""

    def __init__(self, *, rank: int = RANK, first: int = FIRST_LAYER) -> None:
        super().__init__()
        weights = Weights(model_path())
        self.shape, self.first, self._words = weights.shape, first, weights.vocabulary
        self._tokenizer = E5Tokenizer(weights.vocabulary)
        self._table = weights.table("emb.word", self.shape.hidden)
        kind = weights.floats("emb.type", 2, self.shape.hidden)[0]
        self._places = torch.from_numpy(weights.floats("emb.pos", self.shape.positions, self.shape.hidden) + kind)
        self._fixed = dict(_tensors(weights))
        self.additions = nn.ParameterDict()
        for layer in range(first, self.shape.layers):
            for name in MATRICES:
                outputs, inputs = self._fixed[f"l{layer}.{name}.w"].shape
                self.additions[f"l{layer}:{name}:w/a"] = nn.Parameter(torch.randn(rank, inputs) / inputs**0.5)
                self.additions[f"l{layer}:{name}:w/b"] = nn.Parameter(torch.zeros(outputs, rank))

    def ids(self, question: str) -> list[int]:
        """Token ids with both marks, cut to what the model reads."""
        ids = self._tokenizer.ids(Kind.QUESTION.prefix + question)[: self.shape.positions - 2]
        return [self._words.begin, *ids, self._words.end]

    @torch.no_grad()
    def begin(self, window: Sequence[int]) -> Tensor:
        """Shape (tokens, hidden): the states before the first layer that learns, the same in every epoch."""
        found = torch.from_numpy(unpack(self._table[np.array(window)])) + self._places[: len(window)]
        known = torch.ones(1, len(window), dtype=torch.bool)
        return self._through(self._norm(found, "emb.ln")[None], known, 0, self.first)[0]

    def forward(self, states: Tensor, known: Tensor) -> Tensor:
        """Shape (questions, hidden), rows of length 1."""
        states = self._through(states, known, self.first, self.shape.layers)
        tokens = known[:, :, None].float()
        return functional.normalize((states * tokens).sum(1) / tokens.sum(1), dim=-1)

    def stored(self) -> dict[str, NDArray[np.float16]]:
        """What :class:`~liaoyuan.deployment.serving.e5.taught.TaughtWeights` reads."""
        return {
            name.replace(":", "."): value.detach().numpy().astype(np.float16) for name, value in self.additions.items()
        }

    def _through(self, states: Tensor, known: Tensor, start: int, stop: int) -> Tensor:
        rows, length, hidden = states.shape
        mask = known[:, None, None, :]
        for layer in range(start, stop):
            query, key, value = (
                self._product(layer, name, states).view(rows, length, self.shape.heads, -1).transpose(1, 2)
                for name in "qkv"
            )
            seen = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)
            seen = self._product(layer, "ao", seen.transpose(1, 2).reshape(rows, length, hidden))
            states = self._norm(states + seen, f"l{layer}.aln")
            wide = functional.gelu(self._product(layer, "fi", states))
            states = self._norm(states + self._product(layer, "fo", wide), f"l{layer}.oln")
        return states

    def _product(self, layer: int, name: str, states: Tensor) -> Tensor:
        found = functional.linear(states, self._fixed[f"l{layer}.{name}.w"], self._fixed[f"l{layer}.{name}.b"])
        if layer < self.first:
            return found
        kept = functional.dropout(states, DROPOUT, self.training)
        narrow = functional.linear(kept, self.additions[f"l{layer}:{name}:w/a"])
        return found + functional.linear(narrow, self.additions[f"l{layer}:{name}:w/b"])

    def _norm(self, states: Tensor, name: str) -> Tensor:
        weight, bias = self._fixed[f"{name}.w"], self._fixed[f"{name}.b"]
        return functional.layer_norm(states, weight.shape, weight, bias, self.shape.epsilon)


def _tensors(weights: Weights) -> list[tuple[str, Tensor]]:
    shape = weights.shape
    sizes = dict.fromkeys(("q", "k", "v", "ao"), (shape.hidden, shape.hidden))
    sizes |= {"fi": (shape.feed_forward, shape.hidden), "fo": (shape.hidden, shape.feed_forward)}
    wanted: list[tuple[str, tuple[int, ...]]] = [(f"emb.ln.{part}", (shape.hidden,)) for part in "wb"]
    for layer in range(shape.layers):
        for name, size in sizes.items():
            wanted += [(f"l{layer}.{name}.w", size), (f"l{layer}.{name}.b", size[:1])]
        wanted += [(f"l{layer}.{name}.{part}", (shape.hidden,)) for name in NORMS for part in "wb"]
    return [(name, torch.from_numpy(weights.floats(name, *size))) for name, size in wanted]
