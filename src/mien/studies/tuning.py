"""Whether an encoder tuned on what a shop's users buy together finds better, later, what goes with an item."""

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import scipy.sparse as sp

from mien.collect.source import collect
from mien.core.clock import DAY_US, from_us, parse_time, to_us
from mien.core.errors import UsageError
from mien.core.event import ACTION_CODE, Action
from mien.core.item import Catalogue
from mien.core.ports import Progress, Silent
from mien.core.tables import EVENT, ITEM
from mien.models.content.encoder import Vectors
from mien.models.content.hub import TorchEncoder
from mien.models.content.named import encoder_named
from mien.models.content.options import ContentSettings
from mien.models.content.pairs import bought_together, text_baskets
from mien.models.content.texts import item_texts
from mien.models.content.tune import TuneOptions, tune
from mien.models.content.unpack import unpack
from mien.models.interactions import Interactions
from mien.studies.metrics import bootstrap_mean, hit_matrix, paired_difference, recall_at

NAME = "tuning"

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Asked:
    """One question a user: a text of a later basket, and what else is in it.

    `texts`: what can be answered with; `query (n,)`: places in it; `row`, `place`: one entry a text to be found, the
    question and where the text is; `bought (len(texts),)`: in how many baskets each was before; `together`: cosine of
    two texts over these baskets.
    """

    texts: list[str]
    query: Places
    row: Places
    place: Places
    bought: Floats
    together: Vectors


def study(
    source: str = "dataset:completejourney",
    *,
    at: str = "2017-12-04",
    test_days: float = 14.0,
    pairs: int = 3000,
    texts: int = 3000,
    k: int = 10,
    epochs: int = 1,
    batch: int = 64,
    learning_rate: float = 2e-4,
    lora_rank: int = 16,
    scale: float = 20.0,
    precision: str = "bf16",
    encoder: str = "e5",
    folder: str = "",
    seed: int = 0,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Recall@k of the rest of a basket by cosine to one text of it: before and after tuning, popularity beside.

    Pairs are drawn from baskets before `at`, one question a user from the baskets of the `test_days` after it, both
    among the `texts` most bought before `at`; equal texts are one, and the question itself is no answer. `folder`:
    where the tuned model is left; empty: nowhere. Intervals are over users. Cost: reading the source, encoding `texts`
    twice, and tuning.
    """
    progress = progress or Silent()
    at_us = to_us(parse_time(at))
    with tempfile.TemporaryDirectory() as passing:
        data, said = _read(source, Path(passing) / "data", progress)
        asked = questions(data, said, at_us, round(test_days * DAY_US), texts, seed)
        known = set(asked.texts)
        drawn = bought_together(data.before(at_us), [text if text in known else "" for text in said], pairs, seed=seed)
        settings = ContentSettings(encoder=encoder, backend="torch", precision=precision)
        plain = encoder_named(settings, folder=Path(passing) / "encoders")
        base = str(unpack(Path(passing) / "encoders" / "e5")) if encoder == "e5" else encoder
        options = TuneOptions(epochs, batch, learning_rate, lora_rank, scale=scale)
        there = Path(folder or Path(passing)) / "tuned-e5"
        tune(base, [drawn], there, options=options, settings=settings, seed=seed, progress=progress)
        tuned = TorchEncoder(settings, str(there), "tuned")
        scores: dict[str, npt.NDArray[Any]] = {
            "popular": np.broadcast_to(asked.bought, (len(asked.query), len(asked.texts))),
            "bought together": asked.together[asked.query],
            "before tuning": _likeness(plain.encode(asked.texts, progress=progress), asked),
            "after tuning": _likeness(tuned.encode(asked.texts, progress=progress), asked),
        }
    found = {name: _recall(table, asked, k) for name, table in scores.items()}
    return {
        "study": NAME,
        "source": source,
        "at": from_us(at_us).isoformat().replace("+00:00", "Z"),
        "users": len(asked.query),
        "texts": len(asked.texts),
        "pairs": len(drawn),
        "seed": seed,
        "models": [{"model": name, f"recall@{k}": bootstrap_mean(x, seed=seed).to_dict()} for name, x in found.items()],
        "gain": paired_difference(found["after tuning"], found["before tuning"], seed=seed).to_dict(),
    }


def questions(data: Interactions, said: list[str], at_us: int, span_us: int, n_texts: int, seed: int) -> Asked:
    """See `Asked`. Raises `UsageError` where no later basket holds two of the texts."""
    basket, place, distinct = text_baskets(data.before(at_us), said)
    often = np.bincount(place, minlength=len(distinct))
    chosen = np.sort(np.lexsort((np.arange(len(distinct)), -often))[:n_texts])
    chosen = chosen[often[chosen] > 0]
    later = data.since(at_us).before(at_us + span_us).doing([Action.PURCHASE])
    texts = [distinct[row] for row in chosen]
    known = set(texts)
    random = np.random.default_rng(seed)
    query: list[str] = []
    rows: list[int] = []
    places: list[str] = []
    narrowed = [text if text in known else "" for text in said]
    for user in np.unique(later.user):
        own, spot, words = text_baskets(later.select(later.user == user), narrowed)
        usable = np.flatnonzero(np.bincount(own)[own] > 1) if len(own) else own
        if not len(usable):
            continue
        one = random.choice(usable)
        rest = spot[(own == own[one]) & (spot != spot[one])]
        places += [words[row] for row in rest]
        rows += [len(query)] * len(rest)
        query.append(words[spot[one]])
    if not query:
        raise UsageError(
            "No basket after {at_us:%Y-%m-%d} holds two items with a text; choose another moment.", at_us=from_us(at_us)
        )
    number = {text: row for row, text in enumerate(texts)}
    return Asked(
        texts,
        np.array([number[text] for text in query]),
        np.array(rows),
        np.array([number[text] for text in places]),
        often[chosen].astype(np.float64),
        _together(basket, place, chosen),
    )


def _together(basket: Places, place: Places, chosen: Places) -> Vectors:
    """Cosine of two texts as columns of baskets, 0 to itself."""
    inside = np.isin(place, chosen)
    columns = np.searchsorted(chosen, place[inside])
    shape = (int(basket.max(initial=0)) + 1, len(chosen))
    matrix = sp.csr_array((np.ones(len(columns), dtype=np.float32), (basket[inside], columns)), shape=shape)
    both = (matrix.T @ matrix).toarray()
    length = np.sqrt(np.maximum(np.diag(both), 1.0))
    return np.asarray(both / length[:, None] / length[None, :], dtype=np.float32)


def _likeness(vectors: Vectors, asked: Asked) -> Vectors:
    return np.asarray(vectors[asked.query] @ vectors.T, dtype=np.float32)


def _recall(scores: npt.NDArray[Any], asked: Asked, k: int) -> Floats:
    """`(n,)`: what of the rest of the basket is among the k best; ties go by popularity."""
    table = np.array(scores, dtype=np.float64) + 1e-12 * asked.bought / asked.bought.max()
    table[np.arange(len(table)), asked.query] = -np.inf
    best = np.argsort(-table, axis=1, kind="stable")[:, :k]
    relevant = np.bincount(asked.row, minlength=len(table))
    return recall_at(hit_matrix(best, asked.row, asked.place), relevant, k)


def _read(source: str, folder: Path, progress: Progress) -> tuple[Interactions, list[str]]:
    """Purchases by row numbers, and the text of each item row."""
    delivery = collect("events", source, folder=folder, progress=progress)
    if delivery.events is None or delivery.items is None:
        raise UsageError(
            "{source} has no events with items; tuning needs purchases of items that have texts.", source=source
        )
    columns = [EVENT.USER_ID, EVENT.ITEM_ID, EVENT.ACTION, EVENT.AT]
    events = pq.read_table(delivery.events, columns=columns)
    events = events.filter(pc.and_(pc.equal(events[EVENT.ACTION], Action.PURCHASE), pc.is_valid(events[EVENT.ITEM_ID])))
    items = pq.read_table(delivery.items)
    ids = pc.unique(pa.chunked_array([*items[ITEM.ITEM_ID].chunks, *events[EVENT.ITEM_ID].chunks]))
    users = pc.unique(events[EVENT.USER_ID])
    rows = pc.index_in(items[ITEM.ITEM_ID], value_set=ids).to_numpy().astype(np.int32)
    at_us = events[EVENT.AT].cast(pa.int64()).to_numpy()
    data = Interactions.of(
        pc.index_in(events[EVENT.USER_ID], value_set=users).to_numpy(),
        pc.index_in(events[EVENT.ITEM_ID], value_set=ids).to_numpy(),
        np.full(len(events), ACTION_CODE[Action.PURCHASE]),
        at_us,
        n_users=len(users),
        n_items=len(ids),
    )
    return data, item_texts(Catalogue.of(items, rows, len(ids), int(at_us.max(initial=0))))
