"""The transformer: tokens in, one vector a token out; and the table of items that the vectors are compared with.

Pre-norm blocks of attention with relative position and time biases, and a gated feed-forward (SwiGLU: Shazeer, 2020).
A token is the sum of what is known of its item (id, tags, content) and of the act (action, pause, price, quantity).
The item's part is shared with the output: an item is foretold by the very vector it is read by.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from mien.core.errors import UsageError
from mien.core.event import ACTIONS
from mien.models.behaviour.recipe import Recipe
from mien.models.behaviour.tokens import GAPS, PRICES, QUANTITIES
from mien.models.items import ItemFacts

LOUD = 4.0
"""How much louder than in the output an item's vector is read: the table starts with rows of length 1."""


class Dropout(nn.Module):
    """Dropout whose masks are slices of a drawn strip: drawing millions of random bits a step costs a sixth of it."""

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share
        self.strip = torch.empty(0)
        self.random = np.random.default_rng(0)

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.share == 0:
            return x
        n = x.numel()
        if len(self.strip) < 2 * n or self.strip.device != x.device:
            kept = torch.from_numpy((self.random.random(4 * n, dtype=np.float32) >= self.share).astype(np.float32))
            self.strip = (kept / (1 - self.share)).to(x.device)
        begin = int(self.random.integers(0, len(self.strip) - n))
        return x * self.strip[begin : begin + n].view(x.shape)


@dataclass(frozen=True, slots=True)
class Batch:
    """Tokens of windows of one size, each `(windows, size) int64` (`seconds`: since the first event of the data)."""

    action: Tensor
    gap: Tensor
    price: Tensor
    quantity: Tensor
    seconds: Tensor
    hidden: Tensor | None = None
    """Where the token is masked (the masked objective), bool."""


class Items(nn.Module):
    """The table of items: `(n, width)` = id + mean of its tags + projected content."""

    def __init__(self, facts: ItemFacts, recipe: Recipe, start: npt.NDArray[np.float32]) -> None:
        super().__init__()
        width = recipe.width
        self.share = recipe.id_dropout if recipe.content else 0.0
        self.ids = nn.Parameter(torch.from_numpy(start)) if recipe.ids else None
        tags = facts.tags.shape[1] if recipe.content else 0
        dims = facts.content.shape[1] if recipe.content else 0
        self.tags = nn.Parameter(torch.randn(tags, width) * 0.02) if tags else None
        self.project = nn.Linear(dims, width, bias=False) if dims else None
        if self.project is not None:
            nn.init.normal_(self.project.weight, std=1.0 / math.sqrt(max(dims, 1)) if self.ids is None else 0.02)
        self.random = np.random.default_rng(0)
        self.describe(facts)

    def describe(self, facts: ItemFacts) -> None:
        """Take other facts about the items (of a later catalogue), in the columns of the fitted ones."""
        self.n_items = len(facts)
        self.tag_at = torch.from_numpy(facts.tags.indices.astype(np.int64))
        self.tag_from = torch.from_numpy(facts.tags.indptr.astype(np.int64))
        self.content = torch.from_numpy(facts.content)

    def forward(self, rows: Tensor) -> Tensor:
        """`(len(rows), width)`. Rows beyond the fitted ids have no id and live by tags and content."""
        vectors = [part for part in (self._ids(rows), self._tags(rows), self._content(rows)) if part is not None]
        return torch.stack(vectors).sum(0) if len(vectors) > 1 else vectors[0]

    def _ids(self, rows: Tensor) -> Tensor | None:
        if self.ids is None:
            return None
        if self.n_items > len(self.ids):
            inside = (rows < len(self.ids)).to(self.ids.dtype)[:, None]
            return functional.embedding(rows.clamp(max=len(self.ids) - 1), self.ids) * inside
        found = functional.embedding(rows, self.ids)
        if self.training and self.share and (self.tags is not None or self.project is not None):
            kept = torch.from_numpy((self.random.random(len(rows)) >= self.share).astype(np.float32))
            found = found * kept.to(found.device)[:, None]
        return found

    def _tags(self, rows: Tensor) -> Tensor | None:
        if self.tags is None:
            return None
        begin = self.tag_from.to(rows.device)[rows]
        length = self.tag_from.to(rows.device)[rows + 1] - begin
        place = torch.cumsum(length, 0) - length
        flat = torch.repeat_interleave(begin - place, length) + torch.arange(int(length.sum()), device=rows.device)
        return functional.embedding_bag(self.tag_at.to(rows.device)[flat], self.tags, place, mode="mean")

    def _content(self, rows: Tensor) -> Tensor | None:
        if self.project is None:
            return None
        found: Tensor = self.project(self.content[rows.cpu()].to(rows.device))
        return found


class Block(nn.Module):
    """Attention and a gated feed-forward, each before a residual."""

    def __init__(self, recipe: Recipe) -> None:
        super().__init__()
        width, inner = recipe.width, 2 * recipe.width
        self.heads = recipe.heads
        self.before_attention, self.before_gate = nn.LayerNorm(width), nn.LayerNorm(width)
        self.mix, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 2 * inner), nn.Linear(inner, width)
        self.dropout = Dropout(recipe.dropout)

    def forward(self, x: Tensor, bias: Tensor) -> Tensor:
        """`x (windows, size, width)`; `bias` broadcasts to `(windows, heads, size, size)`, −inf where unseen."""
        windows, size, width = x.shape
        mixed = self.mix(self.before_attention(x)).view(windows, size, 3, self.heads, width // self.heads)
        query, key, value = mixed.permute(2, 0, 3, 1, 4)
        heard = functional.scaled_dot_product_attention(query, key, value, attn_mask=bias)
        x = x + self.dropout(self.out(heard.transpose(1, 2).reshape(windows, size, width)))
        gate, carried = self.up(self.before_gate(x)).chunk(2, dim=-1)
        changed: Tensor = x + self.dropout(self.down(functional.silu(gate) * carried))
        return changed


class Network(nn.Module):
    """`hidden` reads tokens; `items` is the table; `next_action` and `next_gap` are heads on a token's vector."""

    def __init__(self, facts: ItemFacts, recipe: Recipe, start: npt.NDArray[np.float32], seed: int) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.recipe = recipe
        width = recipe.width
        self.items = Items(facts, recipe, start)
        self.blocks = nn.ModuleList([Block(recipe) for _ in range(recipe.blocks)])
        self.last = nn.LayerNorm(width)
        self.distance = nn.Parameter(torch.zeros(recipe.heads, 2 * recipe.length - 1))
        self.pause = nn.Parameter(torch.zeros(GAPS, recipe.heads)) if recipe.time else None
        self.gap = _small(GAPS, width) if recipe.time else None
        self.action = _small(len(ACTIONS), width) if recipe.actions else None
        self.price, self.quantity = _small(PRICES, width), _small(QUANTITIES, width)
        self.masked = None if recipe.causal else nn.Parameter(torch.zeros(width))
        self.next_action = nn.Linear(width, len(ACTIONS)) if recipe.actions and recipe.side_weight else None
        self.next_gap = nn.Linear(width, GAPS) if recipe.time and recipe.side_weight else None
        self.dropout = Dropout(recipe.dropout)

    def forward(self, read: Tensor, batch: Batch) -> Tensor:
        """`(windows, size, width)`: what each token means after those before it (causal) or around it (masked).

        `read (windows, size, width)`: the items' vectors.
        """
        x = read * LOUD + self.price[batch.price] + self.quantity[batch.quantity]
        if self.gap is not None:
            x = x + self.gap[batch.gap]
        if self.action is not None:
            x = x + self.action[batch.action]
        if self.masked is not None and batch.hidden is not None:
            x = torch.where(batch.hidden[..., None], self.masked, x)
        x, bias = self.dropout(x), self._bias(batch)
        for block in self.blocks:
            x = block(x, bias)
        read_out: Tensor = self.last(x)
        return read_out

    def _bias(self, batch: Batch) -> Tensor:
        size = batch.action.shape[1]
        place = torch.arange(size, device=batch.action.device)
        apart = place[:, None] - place[None, :]
        bias = self.distance[:, apart + self.recipe.length - 1]  # before and after are different things
        if self.recipe.causal:
            bias = bias.masked_fill(apart < 0, -math.inf)
        bias = bias[None]
        if self.pause is not None:
            between = (batch.seconds[:, :, None] - batch.seconds[:, None, :]).abs()
            if batch.hidden is not None:  # when a hidden act happened is hidden too
                between = between.masked_fill(batch.hidden[:, :, None] | batch.hidden[:, None, :], 0)
            steps = torch.log2(between.to(torch.float32) + 1).ceil().to(torch.int64).clamp(max=GAPS - 1)
            bias = bias + functional.embedding(steps, self.pause).permute(0, 3, 1, 2)
        return bias

    def seed(self, *seed: int) -> None:
        """Begin all that is drawn while training from a seed, so that a step can be repeated after a kill."""
        for nth, part in enumerate(part for part in self.modules() if isinstance(part, Dropout | Items)):
            part.random = np.random.default_rng((*seed, nth))
            if isinstance(part, Dropout):
                part.strip = torch.empty(0)


def _small(rows: int, width: int) -> nn.Parameter:
    return nn.Parameter(torch.randn(rows, width) * 0.02)


def arrays_of(network: Network) -> dict[str, npt.NDArray[Any]]:
    """The parameters by name, as numpy arrays."""
    return {name: value.detach().cpu().numpy() for name, value in network.state_dict().items()}


def take_arrays(network: Network, arrays: Mapping[str, npt.NDArray[Any]]) -> Network:
    """Put parameters back that `arrays_of` took out."""
    network.load_state_dict({name: torch.from_numpy(np.array(arrays[name])) for name in network.state_dict()})
    return network


def begin_with(network: Network, arrays: Mapping[str, npt.NDArray[Any]]) -> Network:
    """Put those of another network's parameters in place that this one has too. Raises `UsageError` for other sizes."""
    own = network.state_dict() if arrays else {}
    for name in own.keys() & arrays.keys():
        if own[name].shape != arrays[name].shape:
            raise UsageError(
                "{name} is {shape} here and {begun} in the model to begin with. Use the same sizes, "
                "length and encoder in both.",
                name=name,
                shape=str(tuple(own[name].shape)),
                begun=str(arrays[name].shape),
            )
    for name in own.keys() & arrays.keys():
        own[name].copy_(torch.from_numpy(np.array(arrays[name])))
    return network
