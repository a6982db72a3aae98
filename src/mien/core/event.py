"""An event: one thing a user did. As strangers send it (`Event`) and as the log keeps it (`LoggedEvent`).

Both are structs: one is made for every event, in a tenth of the time of a frozen dataclass, and the collector of
garbage need not look at it.
"""

from datetime import datetime
from enum import StrEnum

import msgspec

from mien.core.ids import NO_ITEM, ItemRow, UserRow


class Action(StrEnum):
    """What a user did. The vocabulary is closed: what fits none is kept as a property and counted."""

    SEARCH = "search"
    VIEW = "view"
    CART = "cart"
    UNCART = "uncart"
    FAVOURITE = "favourite"
    PURCHASE = "purchase"
    REFUND = "refund"
    REVIEW = "review"
    RATE = "rate"
    SHARE = "share"
    IMPRESSION = "impression"
    CLICK = "click"


ACTIONS: tuple[Action, ...] = tuple(Action)
ACTION_CODE: dict[str, int] = {str(action): code for code, action in enumerate(ACTIONS)}
"""Action → small integer, for arrays. The order of `Action` is part of stored artifacts: append only."""
ACTION_OF: dict[str, Action] = {str(action): action for action in ACTIONS}
"""What `Action(text)` gives, in a tenth of its time."""


class Event(msgspec.Struct, frozen=True, gc=False):
    """An event in the shop's own ids. `at` is aware UTC; None means the source did not say."""

    event_id: str
    source: str
    user_id: str
    action: Action
    at: datetime
    item_id: str | None = None
    value: float | None = None
    quantity: float | None = None
    rating: float | None = None
    query: str | None = None
    text: str | None = None
    impression_id: str | None = None
    properties: str | None = None


class LoggedEvent(msgspec.Struct, frozen=True, gc=False):
    """An event in row numbers, as the fold takes it. `at_us`: µs since 1970-01-01 UTC.

    `value` is the money of the whole event (not per piece), `quantity` the pieces (1 where not said);
    both after `prepare` has judged them.
    """

    user: UserRow
    event_id: str
    action: Action
    at_us: int
    item: ItemRow = NO_ITEM
    value: float = 0.0
    quantity: float = 1.0
    query: str | None = None
    text: str | None = None
