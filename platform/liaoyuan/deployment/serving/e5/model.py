"""The BERT encoder of multilingual-e5-small in torch, float32: token ids in, mean of the last hidden states out."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from liaoyuan.deployment.serving.e5.weights import Weights, unpack


class Norm:
    """Layer normalisation over the last dimension."""

    def __init__(self, weights: Weights, name: str) -> None:
        self._epsilon, self._shape = weights.shape.epsilon, (weights.shape.hidden,)
        self._weight, self._bias = (torch.from_numpy(weights.floats(f"{name}.{part}", *self._shape)) for part in "wb")

    def __call__(self, states: Tensor) -> Tensor:
        return functional.layer_norm(states, self._shape, self._weight, self._bias, self._epsilon)


class Layer:
    """Attention and feed-forward, each added to its input and normalised after."""

    def __init__(self, weights: Weights, index: int) -> None:
        shape = weights.shape
        self._heads, hidden = shape.heads, shape.hidden

        def read(name: str, *sizes: int) -> Tensor:
            return torch.from_numpy(weights.floats(f"l{index}.{name}", *sizes))

        def pair(name: str, *sizes: int) -> tuple[Tensor, Tensor]:
            return read(f"{name}.w", *sizes), read(f"{name}.b", sizes[0])

        projections = [pair(name, hidden, hidden) for name in "qkv"]
        self._qkv = tuple(torch.cat(parts) for parts in zip(*projections, strict=True))
        self._out = pair("ao", hidden, hidden)
        self._wide = pair("fi", shape.feed_forward, hidden)
        self._narrow = pair("fo", hidden, shape.feed_forward)
        self._middle, self._last = Norm(weights, f"l{index}.aln"), Norm(weights, f"l{index}.oln")

    def __call__(self, states: Tensor, mask: Tensor | None) -> Tensor:
        """``states`` (texts, tokens, hidden); ``mask`` (texts, 1, 1, tokens), true where there is a token."""
        texts, tokens, hidden = states.shape
        qkv = functional.linear(states, *self._qkv).view(texts, tokens, 3, self._heads, -1)
        query, key, value = qkv.permute(2, 0, 3, 1, 4).unbind(0)
        seen = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        joined = seen.transpose(1, 2).reshape(texts, tokens, hidden)
        states = self._middle(states + functional.linear(joined, *self._out))
        wide = functional.gelu(functional.linear(states, *self._wide))
        return self._last(states + functional.linear(wide, *self._narrow))


class Encoder:
    """Holds the layers unpacked (85 MB); the table of 250 000 words stays packed in the mapped file."""

    def __init__(self, weights: Weights) -> None:
        shape = weights.shape
        self._words = weights.table("emb.word", shape.hidden)
        kind = weights.floats("emb.type", 2, shape.hidden)[0]
        self._places = torch.from_numpy(weights.floats("emb.pos", shape.positions, shape.hidden) + kind)
        self._norm = Norm(weights, "emb.ln")
        self._layers = [Layer(weights, index) for index in range(shape.layers)]

    @torch.inference_mode()
    def means(self, windows: Sequence[Sequence[int]]) -> Tensor:
        """(windows, hidden): the mean over each window's tokens. Shorter windows are padded to the longest."""
        longest = max(map(len, windows))
        ids = np.zeros((len(windows), longest), dtype=np.int64)
        for row, window in zip(ids, windows, strict=True):
            row[: len(window)] = window
        lengths = torch.tensor([len(window) for window in windows])
        there = torch.arange(longest) < lengths[:, None]
        states = self._norm(torch.from_numpy(unpack(self._words[ids])) + self._places[:longest])
        mask = None if bool(there.all()) else there[:, None, None, :]
        for layer in self._layers:
            states = layer(states, mask)
        return (states * there[:, :, None]).sum(1) / lengths[:, None]
