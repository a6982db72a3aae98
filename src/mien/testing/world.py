"""A toy shop whose right answers are obvious: people who love coffee, people who love tea, some of it in Chinese.

`world()` is the shop, `six_rows()` a case of six events that can be computed on paper. Both are plain tables
(`EVENTS`, `ITEMS`), and the same in rows: events as the fold takes them, items as a catalogue.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property

import numpy as np
import pyarrow as pa

from mien.core.clock import to_us
from mien.core.event import Action, Event, LoggedEvent
from mien.core.ids import ItemRow, UserRow
from mien.core.item import Catalogue
from mien.core.tables import EVENT, EVENTS, ITEM, ITEMS, LOG, LOGGED
from mien.features.engine import connect
from mien.features.fold import refold
from mien.features.population import Population, fit_population
from mien.features.state import FoldSettings, State
from mien.models.interactions import Interactions

ALWAYS = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, eq=False)
class World:
    """Events and items of a small shop. `at`: the moment its answers are meant for, right after the last event."""

    events: tuple[Event, ...]
    items: pa.Table
    at: datetime

    @property
    def at_us(self) -> int:
        return to_us(self.at)

    @cached_property
    def user_ids(self) -> tuple[str, ...]:
        """User row → id, in order of first appearance."""
        return tuple(dict.fromkeys(event.user_id for event in self.events))

    @cached_property
    def item_ids(self) -> tuple[str, ...]:
        """Item row → id."""
        return tuple(dict.fromkeys(self.items[ITEM.ITEM_ID].to_pylist()))

    @cached_property
    def catalogue(self) -> Catalogue:
        """All items at `at`, index = item row."""
        rows = [self.item_ids.index(item) for item in self.items[ITEM.ITEM_ID].to_pylist()]
        return Catalogue.of(self.items, np.array(rows, dtype=np.int32), len(self.item_ids), self.at_us)

    @property
    def event_table(self) -> pa.Table:
        """The events as a table of the schema EVENTS."""
        return events_table(self.events)

    def user_row(self, user_id: str) -> UserRow:
        return UserRow(self.user_ids.index(user_id))

    def item_row(self, item_id: str) -> ItemRow:
        return ItemRow(self.item_ids.index(item_id))

    def logged(self, user_id: str | None = None, until: datetime | None = None) -> list[LoggedEvent]:
        """Events in rows: of one user or of all, those not later than `until`."""
        return [
            self._logged(event)
            for event in self.events
            if user_id in (None, event.user_id) and (until is None or event.at <= until)
        ]

    @property
    def log(self) -> pa.Table:
        """The events as the log keeps them: schema LOG, users and items in rows."""
        columns = self.event_table.to_pydict()
        columns[LOGGED.USER] = [self.user_row(user) for user in columns.pop(EVENT.USER_ID)]
        items = columns.pop(EVENT.ITEM_ID)
        columns[LOGGED.ITEM] = [None if item is None else self.item_row(item) for item in items]
        columns[LOGGED.FINGERPRINT] = list(range(len(items)))
        return pa.table({name: columns[name] for name in LOG.names}, schema=LOG)

    def state(self, user_id: str, until: datetime | None = None, settings: FoldSettings | None = None) -> State:
        """One user's state as of `until`."""
        return refold(self.logged(user_id, until), settings or FoldSettings())

    def population(self, settings: FoldSettings | None = None) -> Population:
        """The snapshot of everybody as of `at`. Cost: a second, for the table engine."""
        log = connect(threads=1, memory="256MB").create_table("log", self.log)
        return fit_population(log, self.catalogue, as_of_us=self.at_us, settings=settings or FoldSettings())

    def interactions(self) -> Interactions:
        """What was done with items, as the item models take it."""
        return Interactions.from_table(self.log, n_users=len(self.user_ids), n_items=len(self.item_ids))

    def _logged(self, event: Event) -> LoggedEvent:
        return LoggedEvent(
            user=self.user_row(event.user_id),
            event_id=event.event_id,
            action=event.action,
            at_us=to_us(event.at),
            item=ItemRow(-1) if event.item_id is None else self.item_row(event.item_id),
            value=event.value or 0.0,
            quantity=1.0 if event.quantity is None else event.quantity,
            query=event.query,
            text=event.text,
        )


def events_table(events: Iterable[Event]) -> pa.Table:
    """Events as a table of the schema EVENTS."""
    rows = [{name: getattr(event, name) for name in EVENTS.names} for event in events]
    for row in rows:
        row[EVENT.ACTION] = str(row[EVENT.ACTION])
    return pa.Table.from_pylist(rows, schema=EVENTS)


def items_table(items: Sequence[dict[str, object]]) -> pa.Table:
    """Items as a table of the schema ITEMS; available, and known since ever, unless they say otherwise."""
    defaults: dict[str, object] = {ITEM.VALID_FROM: ALWAYS, ITEM.AVAILABLE: True}
    rows = [{name: {**defaults, **item}.get(name) for name in ITEMS.names} for item in items]
    return pa.Table.from_pylist(rows, schema=ITEMS)


_GOODS = (
    # id, title, description, category, brand, colour, price
    (
        "bean-dark",
        "Dark roast coffee beans 1kg",
        "Strong and oily, for espresso",
        "Drinks/Coffee/Beans",
        "Northwind",
        None,
        24.0,
    ),
    ("bean-light", "Light roast coffee beans 1kg", "Fruity filter roast", "Drinks/Coffee/Beans", "Altura", None, 26.0),
    ("bean-zh", "云南咖啡豆 中度烘焙", "小粒咖啡，适合手冲", "Drinks/Coffee/Beans", "云岭", None, 22.0),
    ("filters", "Paper coffee filters", "One hundred pieces", "Kitchen/Coffee/Filters", "Northwind", "white", 4.0),
    ("espresso", "Espresso machine", "Fifteen bar pump", "Kitchen/Coffee/Machines", "Altura", "black", 320.0),
    ("grinder", "Coffee grinder", "Ceramic burrs", "Kitchen/Coffee/Machines", "Northwind", "black", 85.0),
    ("green-tea", "Green tea leaves", "Loose leaves from Uji", "Drinks/Tea/Leaves", "Greenleaf", None, 15.0),
    ("longjing", "龙井茶叶 明前", "西湖龙井，清香回甘", "Drinks/Tea/Leaves", "西湖", None, 48.0),
    ("black-tea", "Black tea bags", "Breakfast blend", "Drinks/Tea/Leaves", "Greenleaf", None, 6.0),
    ("teapot", "Glass teapot", "Holds 800 ml", "Kitchen/Tea/Pots", "Greenleaf", "clear", 30.0),
    ("cup-zh", "青瓷茶杯", "手工烧制的茶杯", "Kitchen/Tea/Cups", "西湖", "green", 18.0),
    ("oat-milk", "Oat milk", "For coffee, tea and muesli", "Drinks/Milk", "Altura", None, 3.0),
    ("biscuits", "Butter biscuits", "Crisp", "Food/Biscuits", "Northwind", None, 3.5),
    ("gone", "Copper coffee pot", "No longer made", "Kitchen/Coffee/Pots", "Northwind", "red", 60.0),
)
UNAVAILABLE = "gone"
START = datetime(2024, 3, 4, 8, tzinfo=UTC)
"""A Monday morning; the history runs twelve weeks from here."""

COFFEE_USERS = ("ann", "ben", "蔡明")
TEA_USERS = ("dora", "恩惠", "fay")
NEWCOMER = "gus"
_COFFEE = ("bean-dark", "bean-light", "bean-zh", "filters", "espresso", "grinder")
_TEA = ("green-tea", "longjing", "black-tea", "teapot", "cup-zh")
_PRICES = {good[0]: good[6] for good in _GOODS}
_NAMES = (ITEM.ITEM_ID, ITEM.TITLE, ITEM.DESCRIPTION, ITEM.CATEGORY, ITEM.BRAND, ITEM.COLOUR, ITEM.PRICE)


def world() -> World:
    """Three coffee people and three tea people over twelve weeks, and a newcomer with one view.

    Each week a person searches for their drink, views an item of their own world, puts it in the cart and buys it a
    quarter of an hour later; every fourth week all buy oat milk as well. The first of each kind restocks the first
    good of their world every week. Nobody ever touches the other world.
    """
    goods = [dict(zip(_NAMES, good, strict=True)) for good in _GOODS]
    items = items_table([{**good, ITEM.AVAILABLE: good[ITEM.ITEM_ID] != UNAVAILABLE} for good in goods])
    events: list[Event] = []
    for users, wares, words in ((COFFEE_USERS, _COFFEE, "coffee"), (TEA_USERS, _TEA, "tea")):
        for k, user in enumerate(users):
            for week in range(12):
                ware = wares[0] if k == 0 else wares[(week + k) % len(wares)]
                query = {"coffee": "咖啡", "tea": "茶"}[words] if not user.isascii() else words
                events += _visit(user, START + timedelta(weeks=week, days=k), ware, query, with_milk=week % 4 == 0)
    events.append(_event(NEWCOMER, Action.VIEW, START + timedelta(weeks=11), "teapot"))
    review = {"ann": "Great coffee beans, wonderful crema", "恩惠": "茶叶很香，包装精美"}
    for user, text in review.items():
        ware = "bean-dark" if user == "ann" else "longjing"
        events.append(_event(user, Action.REVIEW, START + timedelta(weeks=11, days=5), ware, text=text))
    events.sort(key=lambda event: (event.at, event.event_id))
    return World(tuple(events), items, START + timedelta(weeks=12))


def _visit(user: str, at: datetime, ware: str, query: str, *, with_milk: bool) -> list[Event]:
    def minutes(n: int) -> datetime:
        return at + timedelta(minutes=n)

    visit = [
        _event(user, Action.SEARCH, at, query=query),
        _event(user, Action.VIEW, minutes(1), ware),
        _event(user, Action.CART, minutes(5), ware),
        _event(user, Action.PURCHASE, minutes(15), ware, value=_PRICES[ware]),
    ]
    if with_milk:
        visit.append(_event(user, Action.PURCHASE, minutes(15), "oat-milk", value=_PRICES["oat-milk"]))
    return visit


def _event(
    user: str,
    action: Action,
    at: datetime,
    item: str | None = None,
    *,
    value: float | None = None,
    query: str | None = None,
    text: str | None = None,
) -> Event:
    return Event(
        event_id=f"{user}-{at:%m%dT%H%M}-{action}-{item or 'shop'}",
        source="world",
        user_id=user,
        action=action,
        at=at,
        item_id=item,
        value=value,
        quantity=1.0 if action is Action.PURCHASE else None,
        query=query,
        text=text,
    )


SIX_ROWS_CSV = """用户ID,行为,时间,商品ID,类别,价格
1,浏览,2024-05-01 10:00:00,101,服装,199
1,浏览,2024-05-01 10:05:00,102,鞋类,299
1,购买,2024-05-01 10:20:00,101,服装,199
2,浏览,2024-05-02 09:00:00,201,图书,59
2,浏览,2024-05-02 09:03:00,202,电子,119
2,购买,2024-05-02 09:10:00,202,电子,119
"""
"""The six rows as a shop would hand them in, with Chinese headers and action names."""


def six_rows() -> World:
    """The six rows, as events and items: user 1 views 101 and 102 and buys 101, user 2 views 201 and 202, buys 202."""
    categories = {"101": ("服装", 199.0), "102": ("鞋类", 299.0), "201": ("图书", 59.0), "202": ("电子", 119.0)}
    actions = {"浏览": Action.VIEW, "购买": Action.PURCHASE}
    events = []
    for number, line in enumerate(SIX_ROWS_CSV.splitlines()[1:], start=1):
        user, action, time, item, _, price = line.split(",")
        events.append(
            Event(
                event_id=f"e{number}",
                source="six",
                user_id=user,
                action=actions[action],
                at=datetime.fromisoformat(time).replace(tzinfo=UTC),
                item_id=item,
                value=float(price) if action == "购买" else None,
            )
        )
    items = [
        {ITEM.ITEM_ID: item, ITEM.TITLE: item, ITEM.CATEGORY: category, ITEM.PRICE: price}
        for item, (category, price) in categories.items()
    ]
    return World(tuple(events), items_table(items), max(event.at for event in events))
