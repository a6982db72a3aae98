"""What people typed: the queries of many, kept for completion; nothing that only a few typed is shown to others."""

from collections import Counter
from collections.abc import Iterable

import ibis.expr.types as ir

from mien.core.clock import DAY_US
from mien.core.tables import JUDGED, LOGGED
from mien.core.words import normalise
from mien.features.engine import micros
from mien.ranking.completion import LONGEST, read_queries, write_queries
from mien.ranking.lexical import TextIndex
from mien.shop.stock import Stock

MOST = 10_000
"""Queries that are kept."""


def keep_queries(stock: Stock, judged: ir.Table, index: TextIndex, as_of_us: int) -> None:
    """Keep the queries that enough different users typed lately and that find something.

    Cost: one grouping of the searches, and a search for each that is kept.
    """
    options = stock.settings.search
    since_us = as_of_us - int(options.query_days * DAY_US)
    recent = judged.filter(
        judged[JUDGED.VERDICT].isnull(),
        judged[LOGGED.QUERY].notnull(),
        micros(judged[LOGGED.AT], judged.get_backend().name) > since_us,
    )
    once = recent.select(LOGGED.USER, LOGGED.QUERY).distinct()
    counted = once.group_by(LOGGED.QUERY).agg(users=once.count()).to_pyarrow()
    people: Counter[str] = Counter()
    for query, users in zip(counted[LOGGED.QUERY].to_pylist(), counted["users"].to_pylist(), strict=True):
        people[normalise(query)[:LONGEST]] += users
    ranked = sorted((pair for pair in people.items() if pair[1] >= options.query_users), key=lambda p: (-p[1], p[0]))
    held = [(query, n) for query, n in ranked[:MOST] if query and index.search(query, 1).total]
    write_queries(stock.workspace.index, held)


def forget_queries(stock: Stock, queries: Iterable[str | None]) -> None:
    """Take a user's queries out of what is kept: each counts one user less."""
    kept = read_queries(stock.workspace.index)
    for query in {normalise(query)[:LONGEST] for query in queries if query} & kept.keys():
        kept[query] -= 1
    fewest = stock.settings.search.query_users
    write_queries(stock.workspace.index, ((query, n) for query, n in kept.items() if n >= fewest))
