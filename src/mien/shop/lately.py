"""What happened lately, out of history and tail: the columns that a pulse counts."""

from collections.abc import Iterable, Mapping

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from mien.core.clock import from_us
from mien.core.event import ACTION_CODE, Action, LoggedEvent
from mien.core.tables import JUDGED, LOGGED
from mien.features import engine as engines
from mien.features.pulse import Events
from mien.prepare.clean import judge, judge_event
from mien.prepare.judgement import Judgement
from mien.shop.stock import Stock

Ints = npt.NDArray[np.int64]
OFTEN = 10_000
"""Events of the tail that are read at once."""


def of_history(stock: Stock, judgement: Judgement, since_us: int) -> Events:
    """The kept events of the history after a moment, under the rows they came in by.

    Cost: the files of those months are read, 0.5 s for a hundred thousand events in 200 files; 24 bytes an event.
    """
    paths = stock.history.paths()
    if not paths:
        return Events(*(np.zeros(0, dtype=np.int64),) * 3)
    con = engines.connect(
        threads=stock.settings.engine.cores,
        memory=f"{stock.settings.engine.memory_mb}MB",
        temporary=stock.workspace.spill,
    )
    try:
        log = engines.read_parquet(con, paths)
        judged = judge(log.filter(log[LOGGED.AT] > from_us(since_us)), judgement)
        kept = judged.filter(judged[JUDGED.VERDICT].isnull())
        table = kept.select(LOGGED.USER, LOGGED.ACTION, LOGGED.AT).to_pyarrow()
    finally:
        con.disconnect()
    names = table[LOGGED.ACTION].combine_chunks().dictionary_encode()
    codes = np.array([ACTION_CODE[Action(name)] for name in names.dictionary.to_pylist()], dtype=np.int64)
    action = codes[names.indices.to_numpy()] if len(codes) else np.zeros(0, dtype=np.int64)
    user = table[LOGGED.USER].to_numpy().astype(np.int64)
    return Events(user, action, table[LOGGED.AT].cast(pa.int64()).to_numpy())


def with_tail(stock: Stock, judgement: Judgement, history: Events, since_us: int) -> Events:
    """These events and those of the tail after a moment, under the rows of persons. Cost: some µs an event of it."""
    kept = [
        (event.user, ACTION_CODE[event.action], event.at_us)
        for event in _kept(_tail(stock), judgement)
        if event.at_us > since_us
    ]
    added = np.array(kept, dtype=np.int64).reshape(-1, 3).T
    user, action, at_us = (
        np.concatenate([old, new])
        for old, new in zip((history.user, history.action, history.at_us), added, strict=True)
    )
    return Events(_persons(user, stock.catalog.stitches()), action, at_us)


def _tail(stock: Stock) -> Iterable[LoggedEvent]:
    offset = 1
    while True:
        events, after = stock.tail.read(offset, OFTEN)
        if not events:
            return
        yield from events
        offset = after


def _kept(events: Iterable[LoggedEvent], judgement: Judgement) -> Iterable[LoggedEvent]:
    judged = (judge_event(event, judgement) for event in events)
    return (one.event for one in judged if one.verdict is None)


def _persons(user: Ints, person: Mapping[int, int]) -> Ints:
    if not person:
        return user
    place = pc.index_in(pa.array(user), value_set=pa.array(list(person), pa.int64())).to_numpy(zero_copy_only=False)
    behind = np.array(list(person.values()), dtype=np.int64)
    held = ~np.isnan(place)
    found = user.copy()
    found[held] = behind[place[held].astype(np.int64)]
    return found
