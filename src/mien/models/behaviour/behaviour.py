"""The behaviour model as a model of the contract: fit, score any history, vectors of users, save and load."""

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from mien.core.errors import UsageError
from mien.core.extras import require
from mien.core.ids import Rows
from mien.core.ports import Progress, Silent
from mien.models.artifact import Arrays
from mien.models.behaviour.curve import Curve, Point
from mien.models.behaviour.newcomers import placed
from mien.models.behaviour.recipe import Objective, Recipe, Start, Validation, check, size_named
from mien.models.interactions import Interactions
from mien.models.items import ItemFacts
from mien.models.model import Model
from mien.models.ranked import Scores

if TYPE_CHECKING:
    from mien.models.behaviour.reading import Reader

LEAST_ACTS = 20
"""Acts followed by another that are worth a training; with fewer the model stays silent and says so."""
NETWORK, COLUMNS = "network.", "columns"


@dataclass(eq=False, kw_only=True)
class Behaviour(Model):
    """s(u, i) = h_u · e_i, h_u what the transformer makes of u's newest acts, e_i the item's vector.

    Needs the extra `models`. Uses a GPU where there is one, every core otherwise. Cost of the fit: see
    `training.train`; of a score: one pass over the newest `length` acts of each user, and users · items · width.
    """

    name: ClassVar[str] = "behaviour"
    zero_allowed: ClassVar[tuple[str, ...]] = (
        "width", "blocks", "table_decay", "heads", "dropout", "id_dropout", "horizon_share", "side_weight",
        "negative_power", "patience", "threads", "refit", "time", "actions", "ids", "content", "shuffled", "hide_seen",
    )  # fmt: skip

    size: str = "base"
    """tiny (width 64), base (128) or large (256, four blocks)."""
    width: int = 0
    """Length of the vectors; 0: as the size says."""
    blocks: int = 0
    """Blocks one above the other; 0: as the size says."""
    heads: int = 0
    """Heads of attention in a block; 0: as the size says."""
    objective: Objective = "causal"
    """causal: foretell what follows each act (GPT); masked: foretell acts that are hidden (BERT)."""
    length: int = 50
    """Newest acts of a user that are read; longer histories are trained on in windows of it."""
    epochs: int = 10
    """Most passes over the acts."""
    patience: int = 3
    """Epochs without a better validation after which training stops."""
    learning_rate: float = 0.0007
    """Highest step of AdamW, reached after a warm-up, then falling along half a cosine."""
    table_rate: float = 4.0
    """How many times that step the table of items takes: most of its rows are seen in few steps."""
    table_decay: float = 0.05
    """Weight decay of that table, which would else learn the rarer items by heart."""
    batch_tokens: int = 1024
    """Acts of one step; lower it where memory is short."""
    negatives: int = 1024
    """Items drawn for each step that its acts are told apart from."""
    negative_power: float = 0.5
    """Items are drawn by (count + 1) to this power: 0 all alike, 1 as often as they occur."""
    dropout: float = 0.3
    """Share of a token's numbers that is dropped at each place while training."""
    id_dropout: float = 0.1
    """Share of items whose id is left out in a step, so that tags and content alone can stand for a new item."""
    mask_share: float = 0.2
    """Masked objective: share of a window's acts that are hidden."""
    horizon_days: float = 14.0
    """How far the all-action loss looks ahead."""
    horizon_share: float = 0.0
    """Share of acts that foretell any act of the horizon instead of the next one (PinnerFormer, 2022)."""
    side_weight: float = 0.1
    """Weight of foretelling the next action and the time to it; 0: neither."""
    time: bool = True
    """Whether pauses are read."""
    actions: bool = True
    """Whether the kinds of acts are read."""
    ids: bool = True
    """Whether items have a vector of their own; without it they are read by tags and content alone."""
    content: bool = True
    """Whether tags and content are read, where `use_items` gave them."""
    shuffled: bool = False
    """Read the acts of each window in random order: shows whether order matters."""
    start: Start = "svd"
    """Item vectors begin as an SVD of what follows what, or at random."""
    validation: Validation = "time"
    """What training stops by: what follows a moment (time), the last instant of each user (last), or nothing (none)."""
    validation_share: float = 0.1
    """Share of the acts that lie after the moment of the validation."""
    refit: bool = False
    """After the best number of epochs is known: train once more on everything, the validation included."""
    hide_seen: bool = False
    """Validation ranks only items the user has not met: right where nothing is taken twice."""
    device: str = "auto"
    """cpu, cuda, or auto: cuda where there is one."""
    threads: int = 0
    """Threads of the CPU; 0: as many as there are cores."""
    checkpoint_minutes: float = 5.0
    """Most minutes of training that a kill can cost, beside the end of every epoch."""

    facts: ItemFacts | None = field(default=None, init=False, repr=False)
    folder: Path | None = field(default=None, init=False, repr=False)
    progress: Progress = field(default_factory=Silent, init=False, repr=False)
    watch: Callable[[Point], bool] | None = field(default=None, init=False, repr=False)
    begin: Arrays = field(default_factory=dict, init=False, repr=False)
    _reader: "Reader | None" = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        shares = {
            "dropout": self.dropout, "id_dropout": self.id_dropout, "mask_share": self.mask_share,
            "horizon_share": self.horizon_share, "validation_share": self.validation_share,
        }  # fmt: skip
        check(self.objective, self.validation, self.start, ids=self.ids, content=self.content, shares=shares)
        size = size_named(self.size)
        width, heads = self.width or size.width, self.heads or size.heads
        if width % heads:
            raise UsageError(
                "The width {width} must be a multiple of the number of heads, {heads}.", width=width, heads=heads
            )

    def use_items(self, facts: ItemFacts) -> Self:
        """Tags and content of the items for the next fit, or, after it, of a catalogue that has grown since.

        After the fit new items are scored at once, by tags and content (see `newcomers`); tags find their column by
        name. Raises
        `UsageError` where the content is of another width than the fitted one.
        """
        self.facts = facts
        if self.fitted:
            self._grow(facts)
        return self

    def _grow(self, facts: ItemFacts) -> None:
        from mien.models.behaviour.reading import table_of

        known = json.loads(self.fitted[COLUMNS].tobytes())
        if facts.content.shape[1] != known["content"]:
            raise UsageError(
                "The model was fitted with content of {content} numbers an item, not {shape}. Use the "
                "same encoder, or train again: mien train",
                content=known["content"],
                shape=facts.content.shape[1],
            )
        if len(facts) < self.n_items:
            raise UsageError(
                "The model knows {n_items} items; there are facts about {n_facts}.",
                n_items=self.n_items,
                n_facts=len(facts),
            )
        fallback = np.zeros(len(facts))
        fallback[: self.n_items] = self.fitted["fallback"]
        told, network = facts.named(known["tags"]), self._network()
        table = placed(table_of(network, told, self.recipe), told, len(network.get("items.ids", ())))
        self.fitted |= {"table": table, "fallback": fallback}
        self.n_items, self._reader = len(facts), None

    def moved_to(self, facts: ItemFacts) -> "Behaviour":
        """This model, fitted, in another catalogue: its items are read and ranked by the same kind of content alone.

        Only a model without ids can move: ids say nothing elsewhere. Tags find their column by name; this model stays
        as it is. Raises `UsageError` for a model with ids, or content of another width.
        """
        self._check_fitted()
        if self.ids:
            raise UsageError("Items of another catalogue have none of the fitted ids. Fit with ids = false to move.")
        moved = Behaviour(**{name: getattr(self, name) for name in self.settings_names()})
        moved.fitted, moved.at_us, moved.notes = {**self.fitted, "fallback": np.empty(0)}, self.at_us, self.notes
        return moved.use_items(facts)

    def start_from(self, other: "Behaviour | None") -> Self:
        """Begin the next fits with what a fitted model learnt (None: anew), the vectors of ids and tags left aside.

        Those belong to one catalogue; the transformer and what reads content do not. Parts that only one of the two
        has begin as ever. Raises `UsageError` where a part is of another size.
        """
        self.begin = {}
        if other is not None:
            other._check_fitted()
            taken = other._network().items()
            self.begin = {name: array for name, array in taken if name not in ("items.ids", "items.tags")}
        return self

    def keep_in(self, folder: Path | None, progress: Progress | None = None) -> Self:
        """Where the next fit keeps its checkpoints (None: nowhere), and whom it tells how far it is."""
        self.folder, self.progress = folder, progress or Silent()
        return self

    def watched_by(self, watch: Callable[[Point], bool] | None) -> Self:
        """Who hears the point of each epoch of the next fit, and ends it there by True; the best epoch is kept.

        A fit that goes on from a checkpoint tells the points of before once more, so that a watcher whose answers
        depend on the points alone stops where it would have.
        """
        self.watch = watch
        return self

    def vectors(self, histories: Interactions, users: npt.ArrayLike, *, at_us: int) -> npt.NDArray[np.float32]:
        """`(len(users), width)`: what stands for each user's behaviour up to `at_us`; zeros without a history."""
        rows = self._check(histories, users)
        chosen = histories.of_users(rows).until(at_us).within_items(min(self.n_items, histories.n_items))
        return self._read().vectors(chosen)

    def source(self) -> Callable[[Interactions, Rows, int], npt.NDArray[np.float32]]:
        """`vectors` as the heads take it: a frozen source of users' vectors."""

        def vectors(histories: Interactions, users: Rows, at_us: int) -> npt.NDArray[np.float32]:
            return self.vectors(histories, users, at_us=at_us)

        return vectors

    @property
    def version_name(self) -> str:
        """What profiles name: changes with every training that gave other vectors."""
        self._check_fitted()
        return self._read().name

    @property
    def dim(self) -> int:
        """Length of the vectors."""
        return self.recipe.width

    def next_acts(self, histories: Interactions, users: npt.ArrayLike, *, at_us: int) -> dict[str, Any]:
        """`action (n, actions)`: chances of the next action; `gap (n, buckets)`: of the pause before it."""
        rows = self._check(histories, users)
        chosen = histories.of_users(rows).until(at_us).within_items(min(self.n_items, histories.n_items))
        return self._read().next_acts(chosen)

    @property
    def curve(self) -> Curve:
        """How the training went."""
        self._check_fitted()
        return Curve.from_dict(json.loads(self.fitted["curve"].tobytes()))

    @property
    def recipe(self) -> Recipe:
        """The settings with sizes and devices resolved."""
        size = size_named(self.size)
        own = {name: getattr(self, name) for name in Recipe.__dataclass_fields__ if hasattr(self, name)}
        own |= {"width": self.width or size.width, "blocks": self.blocks or size.blocks}
        own |= {"heads": self.heads or size.heads, "threads": self.threads or len(os.sched_getaffinity(0))}
        return Recipe(**own)

    def _fit(self, data: Interactions, at_us: int, seed: int) -> Arrays:
        _load_torch()
        from mien.models.behaviour.fitting import fit_network

        self._reader = None
        facts = (self.facts or ItemFacts.nothing(data.n_items)).without_rare() if self.content else None
        facts = facts or ItemFacts.nothing(data.n_items)
        if len(facts) != data.n_items:
            raise UsageError(
                "There are {n_items} items, but facts about {n_facts} of them.",
                n_items=data.n_items,
                n_facts=len(facts),
            )
        arrays, table, curve, notes = fit_network(self, data, facts, seed)
        self.notes = tuple(notes)
        columns = {"tags": list(facts.names), "content": facts.content.shape[1]}
        told: Arrays = {COLUMNS: _written(columns), "curve": _written(curve.to_dict()), "table": table}
        return told | {NETWORK + name: array for name, array in arrays.items()}

    def _score(self, histories: Interactions, users: Rows, at_us: int) -> Scores:
        return self._read().scores(histories)

    def _read(self) -> "Reader":
        """What reads histories: the network and the table of items, made once."""
        self._check_fitted()
        if self._reader is None:
            _load_torch()
            from mien.models.behaviour.reading import Reader

            columns = json.loads(self.fitted[COLUMNS].tobytes())
            shape = (len(columns["tags"]), columns["content"])
            self._reader = Reader.of(self._network(), self.fitted["table"], shape, self.recipe)
        return self._reader

    def _network(self) -> Arrays:
        return {name.removeprefix(NETWORK): array for name, array in self.fitted.items() if name.startswith(NETWORK)}


def _load_torch() -> None:
    """Torch, its idle threads told to sleep: spinning, they take the processor from whatever runs beside."""
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    require("models", "torch")


def _written(document: dict[str, Any]) -> npt.NDArray[np.uint8]:
    return np.frombuffer(json.dumps(document, ensure_ascii=False).encode(), dtype=np.uint8)


def digest(data: Interactions, facts: ItemFacts, settings: Recipe, seed: int, begin: Arrays) -> str:
    """Of all that decides a training, so that a checkpoint is taken up by no other one."""
    told = hashlib.blake2b(digest_size=16)
    for name in sorted(begin):
        told.update(np.ascontiguousarray(begin[name]).view(np.uint8).data)
    acts = (data.user, data.item, data.action, data.at_us, data.value, data.quantity)
    for column in (*acts, facts.tags.indices, facts.tags.indptr, facts.content):
        told.update(np.ascontiguousarray(column).view(np.uint8).data)
    chosen = {name: value for name, value in asdict(settings).items() if name not in ("device", "threads")}
    told.update(json.dumps([chosen, seed], sort_keys=True).encode())
    return told.hexdigest()
