"""What may be set about the behaviour model, beside the settings every model has."""

from dataclasses import dataclass
from typing import Literal, get_args

from mien.core.errors import UnknownName, UsageError

Objective = Literal["causal", "masked"]
Validation = Literal["time", "last", "none"]
Start = Literal["svd", "random"]


@dataclass(frozen=True, slots=True)
class Size:
    """Width of a token's vector, blocks one above the other, heads of attention in each."""

    width: int
    blocks: int
    heads: int


SIZES: dict[str, Size] = {"tiny": Size(64, 2, 2), "base": Size(128, 2, 2), "large": Size(256, 4, 4)}


@dataclass(frozen=True, slots=True)
class Recipe:
    """The settings of one training, resolved: what the network and the loop read. See `Behaviour` for each."""

    width: int
    blocks: int
    heads: int
    objective: Objective
    length: int
    epochs: int
    patience: int
    learning_rate: float
    table_rate: float
    table_decay: float
    batch_tokens: int
    negatives: int
    negative_power: float
    dropout: float
    id_dropout: float
    mask_share: float
    horizon_days: float
    horizon_share: float
    side_weight: float
    time: bool
    actions: bool
    ids: bool
    content: bool
    shuffled: bool
    start: Start
    device: str
    threads: int
    checkpoint_minutes: float

    @property
    def causal(self) -> bool:
        return self.objective == "causal"


def size_named(name: str) -> Size:
    """The size of a name, or `UnknownName`."""
    if name not in SIZES:
        raise UnknownName("size", name, SIZES)
    return SIZES[name]


def check(objective: str, validation: str, start: str, *, ids: bool, content: bool, shares: dict[str, float]) -> None:
    """Raise for words nobody knows, shares outside of 0 … 1, and settings that contradict each other."""
    for kind, word, known in (
        ("objective", objective, get_args(Objective)),
        ("validation", validation, get_args(Validation)),
        ("start", start, get_args(Start)),
    ):
        if word not in known:
            raise UnknownName(kind, word, known)
    for name, share in shares.items():
        if not 0.0 <= share < 1.0:
            raise UsageError("The setting {name} is a share: from 0 to below 1, not {share:g}.", name=name, share=share)
    if not ids and not content:
        raise UsageError("With ids and content both off, nothing tells one item from another. Leave one of them on.")
