"""What a search may try: setting → span, in Python as in TOML."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mien.core.errors import UnknownName, UsageError
from mien.models.behaviour import Behaviour

SPACE: dict[str, list[Any]] = {
    "learning_rate": [0.0002, 0.003],
    "table_rate": [1.0, 10.0],
    "dropout": [0.1, 0.5],
    "id_dropout": [0.0, 0.3],
    "negatives": [256, 2048],
    "negative_power": [0.0, 1.0],
    "batch_tokens": [512, 4096],
    "side_weight": [0.0, 0.3],
}
"""What is searched where nobody says otherwise; sizes, epochs and the rest are fixed."""
DECADE = 8.0
"""A span whose ends lie this far apart, or further, is searched by the logarithm."""


@dataclass(frozen=True, slots=True)
class Span:
    """Numbers from `low` to `high`, or one of `choices`. `whole`: whole numbers only."""

    low: float = 0.0
    high: float = 0.0
    whole: bool = False
    choices: tuple[Any, ...] = ()

    @property
    def log(self) -> bool:
        return self.low > 0 and self.high / self.low >= DECADE

    @property
    def ends(self) -> tuple[Any, ...]:
        """All choices, or both ends."""
        return self.choices or ((int(self.low), int(self.high)) if self.whole else (self.low, self.high))

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        if self.choices:
            return {"choices": list(self.choices)}
        return {"low": self.ends[0], "high": self.ends[1], "log": self.log}

    def suggest(self, trial: Any, name: str) -> Any:
        """What this trial is to take."""
        if self.choices:
            return trial.suggest_categorical(name, self.choices)
        if self.whole:
            return trial.suggest_int(name, int(self.low), int(self.high), log=self.log)
        return trial.suggest_float(name, self.low, self.high, log=self.log)


def space_of(given: Mapping[str, Any], fixed: Mapping[str, Any]) -> dict[str, Span]:
    """The default space with `given` in it, less what is fixed or given as an empty list.

    A list of two numbers is a span; any other list, and `{choices = […]}`, are choices. Raises `UnknownName` for a
    setting nobody knows and `UsageError` for spans the model cannot take, or a setting that is fixed and searched.
    """
    kinds = Behaviour.settings_kinds()
    for name in (*given, *fixed):
        if name not in kinds:
            raise UnknownName("setting of the behaviour model", name, kinds)
    both = sorted(given.keys() & fixed.keys())
    if both:
        raise UsageError("The setting {both} is fixed and searched at once. Choose one of the two.", both=both[0])
    wanted = {**{name: span for name, span in SPACE.items() if name not in fixed}, **given}
    space = {name: _span(name, value, kinds[name]) for name, value in wanted.items() if value != []}
    if not space:
        raise UsageError("Nothing is searched: every setting is fixed or left out.")
    Behaviour(**fixed)
    for name, span in space.items():
        for end in span.ends:
            _check(fixed, name, end)
    return space


def _span(name: str, value: Any, kind: Any) -> Span:
    if isinstance(value, Mapping) and value.keys() == {"choices"}:
        return Span(choices=tuple(value["choices"]))
    if not isinstance(value, list | tuple):
        raise UsageError("space.{name} is a list, [low, high] or the choices, not {value!r}.", name=name, value=value)
    numbers = all(isinstance(one, int | float) and not isinstance(one, bool) for one in value)
    if len(value) != 2 or not numbers or kind not in (int, float):
        return Span(choices=tuple(value))
    if not value[0] < value[1]:
        raise UsageError(
            "space.{name} goes from low to high, not from {low} to {high}.",
            name=name,
            low=value[0],
            high=value[1],
        )
    return Span(value[0], value[1], whole=kind is int)


def _check(fixed: Mapping[str, Any], name: str, value: Any) -> None:
    """Whether the model takes this value, all others as they are fixed. What only fits together is a trial's matter."""
    try:
        Behaviour(**{**fixed, name: value})
    except UsageError as wrong:
        raise UsageError(
            "space.{name} holds {value!r}, which cannot be: {wrong}", name=name, value=value, wrong=wrong
        ) from None
