"""The BERT encoder of multilingual-e5-small in torch: token ids in, mean of the last hidden states out.

Windows of any lengths lie one after the other in one matrix, so that no product is spent on padding; only attention
goes through them one by one.
"""

from collections.abc import Sequence
from itertools import chain

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from liaoyuan.deployment.serving.e5.products import Product, product_choose
from liaoyuan.deployment.serving.e5.weights import Tensors, unpack

ProductType = type[Product]


class Norm:
    """Layer normalisation over the last dimension."""

    def __init__(self, weights: Tensors, name: str) -> None:
        self._epsilon, self._shape = weights.shape.epsilon, (weights.shape.hidden,)
        self._weight, self._bias = (torch.from_numpy(weights.floats(f"{name}.{part}", *self._shape)) for part in "wb")

    def __call__(self, states: Tensor) -> Tensor:
        return functional.layer_norm(states, self._shape, self._weight, self._bias, self._epsilon)


class Layer:
    """Attention and feed-forward, each added to its input and normalised after."""

    def __init__(self, weights: Tensors, index: int, product: ProductType) -> None:
        shape = weights.shape
        self._heads, hidden = shape.heads, shape.hidden

        def read(name: str, *sizes: int) -> Tensor:
            return torch.from_numpy(weights.floats(f"l{index}.{name}", *sizes))

        def pair(name: str, *sizes: int) -> tuple[Tensor, Tensor]:
            return read(f"{name}.w", *sizes), read(f"{name}.b", sizes[0])

        weight, bias = zip(*(pair(name, hidden, hidden) for name in "qkv"), strict=True)
        self._qkv = product(torch.cat(weight), torch.cat(bias))
        self._out = product(*pair("ao", hidden, hidden))
        self._wide = product(*pair("fi", shape.feed_forward, hidden))
        self._narrow = product(*pair("fo", hidden, shape.feed_forward))
        self._middle, self._last = Norm(weights, f"l{index}.aln"), Norm(weights, f"l{index}.oln")

    def __call__(self, states: Tensor, lengths: Sequence[int]) -> Tensor:
        """``states`` (tokens, hidden): windows of ``lengths`` one after the other."""
        states = self._middle(states + self._out(self._attended(self._qkv(states), lengths)))
        return self._last(states + self._narrow(functional.gelu(self._wide(states))))

    def _attended(self, qkv: Tensor, lengths: Sequence[int]) -> Tensor:
        split = qkv.view(len(qkv), 3, self._heads, -1)
        seen = torch.empty(len(qkv), self._heads, split.shape[-1])
        start = 0
        for length in lengths:
            query, key, value = split[start : start + length].permute(1, 2, 0, 3).unsqueeze(1).unbind(0)
            found = functional.scaled_dot_product_attention(query, key, value)
            seen[start : start + length] = found[0].transpose(0, 1)
            start += length
        return seen.view(len(qkv), -1)


class Encoder:
    """Holds the layers unpacked (85 MB in float32, 21 in eight bits); the table of 250 000 words stays packed in the
    mapped file."""

    def __init__(self, weights: Tensors, product: ProductType | None = None) -> None:
        shape = weights.shape
        product = product or product_choose()
        self.product_name = product.name
        self._words = weights.table("emb.word", shape.hidden)
        kind = weights.floats("emb.type", 2, shape.hidden)[0]
        self._places = torch.from_numpy(weights.floats("emb.pos", shape.positions, shape.hidden) + kind)
        self._norm = Norm(weights, "emb.ln")
        self._layers = [Layer(weights, index, product) for index in range(shape.layers)]

    @torch.inference_mode()
    def means(self, windows: Sequence[Sequence[int]]) -> Tensor:
        """(windows, hidden): the mean over each window's tokens."""
        lengths = [len(window) for window in windows]
        ids = np.fromiter(chain.from_iterable(windows), dtype=np.int64, count=sum(lengths))
        places = torch.cat([self._places[:length] for length in lengths])
        states = self._norm(torch.from_numpy(unpack(self._words[ids])) + places)
        for layer in self._layers:
            states = layer(states, lengths)
        return torch.stack([window.mean(0) for window in torch.split(states, lengths)])
