"""What is asked of the kinds: who asks, for what, from which items."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mien.core.clock import HOUR_US
from mien.core.ids import Rows
from mien.core.query import Query
from mien.models.segments import Trait
from mien.ranking.answering import asker, personalisable
from mien.ranking.person import Person
from mien.ranking.shelf import Context

BASKET_US = HOUR_US
"""Purchases that lie no further apart from the newest one belong to the last basket."""


@dataclass(frozen=True, eq=False)
class Asked:
    """One question. `person`: None where nothing is known of who asks, or they want no personalisation."""

    query: Query
    context: Context
    person: Person | None

    @classmethod
    def of(cls, query: Query, context: Context) -> "Asked":
        """`UnknownName` for an item of the cart nobody knows."""
        for item in query.cart:
            context.shelf.row(item)
        return cls(query, context, asker(query, context))

    @cached_property
    def cart(self) -> Rows:
        """The items asked about. They are the question itself, and the same for everybody."""
        return _distinct(self.context.shelf.rows_of(self.query.cart))

    @cached_property
    def visit(self) -> Rows:
        """What was looked at in the running visit, known items only, newest first; none without personalisation."""
        if not personalisable(self.query, self.context):
            return np.empty(0, dtype=np.int32)
        return _distinct(self.context.shelf.rows_of(self.query.context)[::-1])

    @cached_property
    def traits(self) -> tuple[Trait, ...]:
        """What who asks has declared and is a segment, for one who has done nothing; none without personalisation."""
        segments, user = self.context.shelf.learnt.segments, self.context.user
        if segments is None or user is None or self.person is not None or not personalisable(self.query, self.context):
            return ()
        return segments.popularity((name, str(value)) for name, value in user.traits.items())[1]

    @cached_property
    def anchors(self) -> Rows:
        """The items that likeness and complements start from: the cart, else the visit, else the last basket."""
        if len(self.cart):
            return self.cart
        return self.visit if len(self.visit) else self.last_basket

    @cached_property
    def last_basket(self) -> Rows:
        """What the person bought last, all of it."""
        if self.person is None or not len(self.person.bought.item):
            return np.empty(0, dtype=np.int32)
        bought = self.person.bought
        last_us = self.person.tallies.last_us[bought.newest]
        last: Rows = bought.item[last_us >= last_us.max() - BASKET_US]
        return last

    @property
    def personal(self) -> bool:
        """Whether the answer may differ from an anonymous visitor's."""
        return self.person is not None or len(self.visit) > 0 or len(self.traits) > 0

    def titles(self, rows: Rows) -> Iterator[str]:
        """The titles of some items."""
        return (self.context.shelf.catalogue.title[row] for row in rows.tolist())


def _distinct(rows: list[int]) -> Rows:
    return np.array(list(dict.fromkeys(rows)), dtype=np.int32)
