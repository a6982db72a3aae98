"""Ordered histories as a world to be tested in: each user's last act is the test, the one before it the validation.

Times are made up, a day an act, so that decay counts acts. All items are ranked, those the
user has met are removed, ties stand against the model.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mien.collect.orders import Orders, read_orders
from mien.core.clock import DAY_US
from mien.core.errors import SourceError, UnknownName
from mien.core.event import ACTION_CODE, Action
from mien.core.ids import Rows
from mien.core.ports import Progress
from mien.models.behaviour import Behaviour
from mien.models.interactions import Interactions
from mien.models.items import ItemFacts
from mien.models.model import Model, chunks
from mien.models.ranked import Scores
from mien.studies.metrics import rank_of

SCHEMES = ("s3rec",)
LAST_US = 1_000_000_000_000_000
"""When the last act of every user is taken to have happened; the one before it a day earlier, and so on."""
SHORTEST = 3
"""Acts a user needs to be tested: one to begin with, one to validate, one to test."""
K = 10
ORDERED: dict[str, Any] = {
    "validation": "last",
    "hide_seen": True,
    "time": False,
    "actions": False,
    "horizon_share": 0.0,
}
"""Settings of the behaviour model for such histories."""
TUNED: dict[str, dict[str, Any]] = {
    "item-neighbours": {"k": 1000, "half_life_days": 1.94, "shrinkage": 1e-9},
    "ease": {"ridge": 100.0, "memory_mb": 12 * 13_000**2 / 2**20, "half_life_days": 3.1},
    "als": {"factors": 256, "half_life_days": 1e6},
    "popular": {"window_days": 1e6},
    "behaviour": {**ORDERED, "epochs": 9, "patience": 9},
}
"""Settings for histories that know only order, where a day is an act."""


def read_world(source: str) -> "World":
    """The world of `s3rec:FILE`. Raises `SourceError` for anything else."""
    scheme, sign, path = source.partition(":")
    if not sign or scheme not in SCHEMES:
        raise SourceError(
            "“{source}” is not a source of this study. Write it as s3rec:FILE, FILE one line a user.", source=source
        )
    return World.of(read_orders(Path(path).expanduser()))


class World:
    """The histories as interactions, and who is tested on what. `users (n,)`: rows; `target (n,)`: their last items."""

    def __init__(self, data: Interactions, users: Rows, target: Rows, facts: ItemFacts) -> None:
        self.data, self.users, self.target, self.facts = data, users, target, facts

    @classmethod
    def of(cls, orders: Orders) -> "World":
        """Every user's last act happens at `LAST_US`, each one before it a day earlier: decay then counts acts."""
        ago = orders.lengths[orders.user] - 1 - orders.place
        data = Interactions.of(
            orders.user,
            orders.item,
            np.full(len(orders.user), ACTION_CODE[Action.PURCHASE]),
            LAST_US - ago * DAY_US,
            n_users=len(orders.user_ids),
            n_items=len(orders.item_ids),
        )
        users = np.flatnonzero(orders.lengths >= SHORTEST).astype(np.int32)
        if not len(users):
            raise SourceError(
                "No user has {shortest} items or more, so there is nothing to test on.", shortest=SHORTEST
            )
        last = orders.item[ago == 0]
        content = np.zeros((data.n_items, 0), dtype=np.float32)
        return cls(data, users, last[users], ItemFacts(orders.attributes, content))

    @property
    def known(self) -> Interactions:
        """All but each tested user's last act: the history that the test is asked from."""
        return self.data.until(LAST_US - DAY_US)

    @property
    def train(self) -> Interactions:
        """All but each user's last two acts."""
        return self.data.until(LAST_US - 2 * DAY_US)


def ranks_of(
    model: Model, world: World, report: Progress, *, asked_from: Interactions | None = None
) -> npt.NDArray[np.int64]:
    """`(users,)`: the place of each user's target, from 1 on; `asked_from`: other histories than all but the last act.

    Cost: scores of all items, in blocks of 32 MiB.
    """
    known = world.known if asked_from is None else asked_from
    ranks = []
    advance = report.step(f"rank with {model.name}", len(world.users))
    for part in chunks(len(world.users), world.data.n_items, block_bytes=32 << 20):
        users = world.users[part]
        scores: Scores = np.array(model.score(known, users, at_us=LAST_US - DAY_US))
        met = known.of_users(users)
        scores[met.user, met.item] = -np.inf
        ranks.append(rank_of(scores, world.target[part]))
        advance(len(users))
    return np.concatenate(ranks)


def recall(ranks: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Recall at `K` of one target each."""
    return (ranks <= K).astype(np.float64)


def ndcg(ranks: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """NDCG at `K` of one target each."""
    return np.where(ranks <= K, 1.0 / np.log2(ranks + 1.0), 0.0)


def disordered(data: Interactions, seed: int) -> Interactions:
    """The acts of each user in an order drawn anew; the moments of the user's acts stay what they were."""
    order = np.lexsort((np.random.default_rng(seed).random(len(data)), data.user))
    acts = (data.item[order], data.action[order], data.at_us, data.value[order], data.quantity[order])
    return Interactions.of(data.user, *acts, n_users=data.n_users, n_items=data.n_items)


def behaviour_settings(settings: Mapping[str, Mapping[str, Any]] | None) -> dict[str, Any]:
    """Those of the behaviour model, of model → settings. Raises `UnknownName` for another model's."""
    for name in settings or {}:
        if name != Behaviour.name:
            raise UnknownName("model with settings in this study", name, (Behaviour.name,))
    return dict((settings or {}).get(Behaviour.name, {}))
