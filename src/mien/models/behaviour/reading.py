"""A trained network reading histories: vectors of users, scores of items, chances of what comes next."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
import torch
from torch import Tensor

from mien.models.behaviour.network import Batch, Network, take_arrays
from mien.models.behaviour.recipe import Recipe
from mien.models.behaviour.tokens import Tokens
from mien.models.behaviour.training import batch_of
from mien.models.interactions import Interactions
from mien.models.items import ItemFacts
from mien.models.ranked import Scores

AT_ONCE = 8192
"""Acts read at a time."""


@dataclass(frozen=True, eq=False)
class Reader:
    """`table (n_items, width)`: the items' vectors."""

    network: Network
    table: Tensor

    @cached_property
    def name(self) -> str:
        """What profiles call this model: another one after every training that gave other vectors."""
        digest = hashlib.blake2b(np.ascontiguousarray(self.table.cpu().numpy()).tobytes(), digest_size=4)
        return f"behaviour-{digest.hexdigest()}"

    @classmethod
    def of(
        cls,
        arrays: Mapping[str, npt.NDArray[Any]],
        table: npt.NDArray[np.float32],
        columns: tuple[int, int],
        recipe: Recipe,
    ) -> Self:
        """From parameters by name and the table made of them; `columns`: tags and numbers of content fitted with."""
        network = _rebuilt(arrays, _blank(columns), recipe)
        return cls(network, torch.from_numpy(np.asarray(table)))

    @classmethod
    def around(cls, network: Network) -> Self:
        """A network as it is; it must be in evaluation mode."""
        with torch.inference_mode():
            device = next(network.parameters()).device
            rows = torch.arange(network.items.n_items, device=device)
            table = network.items(rows) if len(rows) else torch.zeros((0, network.recipe.width), device=device)
        return cls(network, table)

    def vectors(self, histories: Interactions) -> npt.NDArray[np.float32]:
        """`(n_users, width)`; zeros without a history."""
        return self._each(histories, lambda hidden: hidden, self.network.recipe.width)

    def scores(self, histories: Interactions) -> Scores:
        """`(n_users, n_items)`; zeros without a history."""
        return self._each(histories, lambda hidden: hidden @ self.table.T, len(self.table))

    def next_acts(self, histories: Interactions) -> dict[str, npt.NDArray[np.float32]]:
        """Chances of the next action and of the pause before it, each `(n_users, …)`; absent where not learnt."""
        found = {}
        for name, head in (("action", self.network.next_action), ("gap", self.network.next_gap)):
            if head is not None:
                told = self._each(histories, lambda hidden, head=head: head(hidden).softmax(-1), head.out_features)  # type: ignore[misc]
                found[name] = told
        return found

    def _each(self, histories: Interactions, make: Callable[[Tensor], Tensor], width: int) -> npt.NDArray[np.float32]:
        """What `make` says of the vector of each user's last act, users of one length at a time."""
        out = np.zeros((histories.n_users, width), dtype=np.float32)
        tokens = Tokens.of(histories)
        most = self.network.recipe.length - (0 if self.network.recipe.causal else 1)
        held = np.minimum(np.diff(tokens.offsets), most)
        with torch.inference_mode():
            for size in np.unique(held[held > 0]).tolist():
                users = np.flatnonzero(held == size)
                step = max(1, AT_ONCE // size)
                for k in range(0, len(users), step):
                    part = users[k : k + step]
                    rows = tokens.offsets[part + 1][:, None] - size + np.arange(size)
                    out[part] = make(self._last(tokens, rows)).cpu().numpy()
        return out

    def _last(self, tokens: Tokens, rows: npt.NDArray[np.int64]) -> Tensor:
        batch = batch_of(tokens, rows, self.table.device)
        read = self.table[torch.from_numpy(tokens.item[rows]).to(self.table.device)]
        if not self.network.recipe.causal:
            read, batch = _with_question(read, batch)
        hidden: Tensor = self.network(read, batch)
        return hidden[:, -1]


def _with_question(read: Tensor, batch: Batch) -> tuple[Tensor, Batch]:
    """A masked act at the end: what the masked objective is asked for."""

    def longer(column: Tensor, last: Tensor) -> Tensor:
        return torch.cat([column, last], dim=1)

    last = torch.zeros_like(batch.action[:, :1])
    hidden = torch.zeros((*batch.action.shape[:1], batch.action.shape[1] + 1), dtype=torch.bool, device=read.device)
    hidden[:, -1] = True
    asked = Batch(
        longer(batch.action, batch.action[:, -1:]),
        longer(batch.gap, last),
        longer(batch.price, last),
        longer(batch.quantity, last),
        longer(batch.seconds, batch.seconds[:, -1:]),
        hidden,
    )
    return longer(read, torch.zeros_like(read[:, :1])), asked


def table_of(arrays: Mapping[str, npt.NDArray[Any]], facts: ItemFacts, recipe: Recipe) -> npt.NDArray[np.float32]:
    """`(len(facts), width)`: the items' vectors by parameters and facts; there may be more items than ids."""
    table: npt.NDArray[np.float32] = Reader.around(_rebuilt(arrays, facts, recipe)).table.numpy()
    return table


def _rebuilt(arrays: Mapping[str, npt.NDArray[Any]], facts: ItemFacts, recipe: Recipe) -> Network:
    fitted = len(arrays["items.ids"]) if "items.ids" in arrays else 0
    empty = np.zeros((fitted, recipe.width), dtype=np.float32)
    network: Network = take_arrays(Network(facts, recipe, empty, 0), arrays).eval()
    return network


def _blank(columns: tuple[int, int]) -> ItemFacts:
    """Facts about no item, with this many tags and numbers of content."""
    return ItemFacts(sp.csr_array((0, columns[0])), np.zeros((0, columns[1]), dtype=np.float32))
