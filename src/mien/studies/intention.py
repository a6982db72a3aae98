"""Purchase intent: does a shopping session end with a purchase? Learnt on the earlier months, judged on the last ones.

The file is that of the UCI Online Shoppers Purchasing Intention data set (12,330 sessions of one year, each of another
visitor; Sakar et al., Neural Computing and Applications, 2019). It names the month of a session, not its day, has no
January and no April, and its rows are in no order of time inside a month. `PageValues`, the strongest column, is
Google Analytics' mean value of the visited pages: it is read from sessions as they ended, so it knows more than a live
shop would in the middle of one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from mien.core.errors import SourceError, UnknownName
from mien.core.ports import Progress, Silent
from mien.models.heads.classifier import Classifier, ClassifierSettings, Kind
from mien.studies.metrics import Interval, auroc, brier, draws, ece

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

NAME = "intention"
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "June", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
NUMBERS = (
    "Administrative",
    "Administrative_Duration",
    "Informational",
    "Informational_Duration",
    "ProductRelated",
    "ProductRelated_Duration",
    "BounceRates",
    "ExitRates",
    "PageValues",
    "SpecialDay",
)
CODES = ("OperatingSystems", "Browser", "Region", "TrafficType", "VisitorType", "Weekend")
TARGET = "Revenue"
PAGE_VALUE = "PageValues"
RARE = 100
"""Sessions that a code needs to have a column of its own."""
CALIBRATION_MONTHS = 2
"""The newest months of those learnt from are held out for calibration and for stopping the trees: how often sessions
end in a purchase changes over the year, and the newest rate is the nearest to what comes."""
ROUNDS = 1000
"""Of the bootstrap over sessions."""


@dataclass(frozen=True, eq=False)
class Sessions:
    """`values (n, len(names))`, `month (n,)` 0 … 11, `bought (n,)`."""

    names: tuple[str, ...]
    values: Floats
    month: npt.NDArray[np.int64]
    bought: Bools


def read_sessions(path: Path) -> Sessions:
    """The file as numbers; codes with at least 100 sessions become columns of 0 and 1.

    The logarithm of counts and durations stands in for them; whether there is a page value at all is a column, since a
    straight line cannot see it. The month is no feature: the months of the test are not
    among those learnt from. Raises `SourceError` where a column is missing or a month unknown.
    """
    table = pacsv.read_csv(path, parse_options=pacsv.ParseOptions(delimiter=";"))
    missing = [name for name in (*NUMBERS, *CODES, "Month", TARGET) if name not in table.column_names]
    if missing:
        raise SourceError(
            "There is no column {missing}; is this the file of the sessions?", missing=missing, path=path.name
        )
    month = pc.index_in(table["Month"], value_set=pa.array(MONTHS))
    if month.null_count:
        unknown = table["Month"].filter(pc.is_null(month))[0].as_py()
        raise SourceError("“{unknown}” is no month of {months}.", unknown=unknown, months=MONTHS, path=path.name)
    columns: dict[str, Floats] = {}
    for name in NUMBERS:
        column = table[name].cast(pa.float64()).to_numpy()
        columns[name] = column if name in ("BounceRates", "ExitRates", "SpecialDay") else np.asarray(np.log1p(column))
    for name in CODES:
        texts = np.array(table[name].cast(pa.string()).to_pylist())
        known, counts = np.unique(texts, return_counts=True)
        columns |= {f"{name}={value}": (texts == value) * 1.0 for value in known[counts >= RARE]}
    columns["any page value"] = (columns[PAGE_VALUE] > 0).astype(np.float64)
    bought = pc.equal(pc.utf8_lower(table[TARGET].cast(pa.string())), "true").to_numpy()
    return Sessions(tuple(columns), np.column_stack(list(columns.values())), month.to_numpy().astype(np.int64), bought)


def study(
    path: str | Path,
    *,
    test_months: Sequence[str] = ("Nov", "Dec"),
    seeds: Sequence[int] = (0, 1, 2),
    seed: int = 0,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """AUROC, Brier score and calibration error on the last months, with intervals over sessions, as a document.

    Models: `base-rate`, `page-values` (a logistic curve of that one column), `lightgbm` (trees as they come), `head`
    (trees and probe, calibrated); each figure is the mean over `seeds`, those of each seed beside it. `against`:
    `head` less `lightgbm`, paired over sessions. `seed`: of the bootstrap.
    """
    unknown = [month for month in test_months if month not in MONTHS]
    if unknown:
        raise UnknownName("month", unknown[0], MONTHS)
    sessions = read_sessions(Path(path))
    test = np.isin(sessions.month, [MONTHS.index(month) for month in test_months])
    advance = (progress or Silent()).step("purchase intent", len(seeds))
    said: dict[str, list[Floats]] = {"base-rate": [], "page-values": [], "lightgbm": [], "head": []}
    for one in seeds:
        for name, probabilities in _fit_all(sessions, test, one).items():
            said[name].append(probabilities)
        advance(1)
    labels = sessions.bought[test]
    figures = {name: _figures(np.stack(rows), labels, seed) for name, rows in said.items()}
    return {
        "study": NAME,
        "split": _split(sessions, test, test_months),
        "seed": seed,
        "seeds": list(seeds),
        "models": [_row(name, figures) for name in figures],
    }


def _fit_all(sessions: Sessions, test: Bools, seed: int) -> dict[str, Floats]:
    """Model → probability of each session of the test, learnt from all the others."""
    x, y = sessions.values[~test], sessions.bought[~test].astype(np.float64)
    held_out = _newest(sessions.month[~test])
    page = sessions.names.index(PAGE_VALUE)
    chosen: dict[str, tuple[Kind, list[int]]] = {
        "page-values": ("probe", [page]),
        "lightgbm": ("trees", list(range(x.shape[1]))),
        "head": ("blend", list(range(x.shape[1]))),
    }
    found = {"base-rate": np.full(int(test.sum()), y.mean())}
    for name, (kind, columns) in chosen.items():
        model = Classifier.fit(
            [sessions.names[k] for k in columns],
            x[:, columns],
            y,
            held_out=held_out,
            settings=ClassifierSettings(kind=kind),
            seed=seed,
        )
        rows = sessions.values[test][:, columns]
        found[name] = _curve(model.scores(rows)) if name == "lightgbm" else model.probabilities(rows)
    return found


def _newest(month: npt.NDArray[np.int64]) -> Bools:
    """The sessions of the newest months."""
    return np.isin(month, np.unique(month)[-CALIBRATION_MONTHS:])


def _curve(margins: Floats) -> Floats:
    return np.asarray(1.0 / (1.0 + np.exp(-margins)))


@dataclass(frozen=True, eq=False)
class _Figures:
    """Per measure: the figure of each seed `(seeds,)`, and of each bootstrap round `(rounds,)`, the mean over seeds."""

    seeds: Mapping[str, Floats]
    rounds: Mapping[str, Floats]

    def interval(self, measure: str) -> Interval:
        low, high = np.percentile(self.rounds[measure], [2.5, 97.5])
        return Interval(float(self.seeds[measure].mean()), float(low), float(high))


def _figures(said: Floats, labels: Bools, seed: int) -> _Figures:
    """`said (seeds, n)`. The rounds draw the same sessions for every model, so differences of rounds are paired."""
    names = ("auroc", "brier", "ece")
    whole = np.array([_measured(one, labels) for one in said])
    rounds = [
        np.mean([_measured(one[draw], labels[draw]) for one in said], axis=0)
        for block in draws(len(labels), seed, ROUNDS)
        for draw in block
    ]
    table = np.array(rounds)
    return _Figures(
        {name: whole[:, k] for k, name in enumerate(names)}, {name: table[:, k] for k, name in enumerate(names)}
    )


def _measured(said: Floats, labels: Bools) -> tuple[float, float, float]:
    return float(auroc(said[:, None], labels[:, None])[0]), brier(said, labels), ece(said, labels)


def _row(name: str, figures: Mapping[str, _Figures]) -> dict[str, Any]:
    own = figures[name]
    row: dict[str, Any] = {"model": name}
    for measure in own.seeds:
        row[measure] = own.interval(measure).to_dict()
    row["by_seed"] = {measure: [round(float(x), 6) for x in values] for measure, values in own.seeds.items()}
    if name == "head":
        other = figures["lightgbm"]
        row["against"] = {"model": "lightgbm"} | {
            measure: _difference(own, other, measure).to_dict() for measure in own.seeds
        }
    return row


def _difference(ours: _Figures, theirs: _Figures, measure: str) -> Interval:
    low, high = np.percentile(ours.rounds[measure] - theirs.rounds[measure], [2.5, 97.5])
    return Interval(float(ours.seeds[measure].mean() - theirs.seeds[measure].mean()), float(low), float(high))


def _split(sessions: Sessions, test: Bools, test_months: Sequence[str]) -> dict[str, Any]:
    before = [month for k, month in enumerate(MONTHS) if (sessions.month[~test] == k).any()]
    return {
        "learnt_from": before,
        "test_months": list(test_months),
        "train_sessions": int((~test).sum()),
        "test_sessions": int(test.sum()),
        "train_rate": round(float(sessions.bought[~test].mean()), 6),
        "test_rate": round(float(sessions.bought[test].mean()), 6),
    }
