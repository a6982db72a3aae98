"""Shopping: who shops on an open page, what lies in their cart, and how everything they do is tracked.

What is done is tracked as a shop's server would: a Segment message, read and appended by the code behind `/v1/track`.
"""

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
from nicegui import background_tasks, ui

from mien.core.errors import MienError, UnknownName
from mien.core.event import Action
from mien.core.item import Item
from mien.core.profile import Profile
from mien.shop.people import Deed
from mien.web.look.visit import Visit

SHOPPER, PLAIN = "mien_shopper", "mien_plain"
"""Cookies: who shops, and that they want no personalisation."""
GUEST = "guest-"
SOURCE = "storefront"
CONTEXT = 10
"""How many of the items looked at count as the running visit."""
PATIENCE_S, LOOK_S = 4.0, 0.08
"""How long, and how often, it is looked whether something done has reached the profile."""

Heard = Callable[[], Awaitable[None]]


@dataclass(slots=True, eq=False)
class Shopping:
    """One page's shopper. `user_id`: None until a newcomer does something. `cart`: item id → pieces."""

    visit: Visit
    user_id: str | None
    personalise: bool
    viewed: list[str] = field(default_factory=list)
    cart: dict[str, int] = field(default_factory=dict)
    loaded: bool = False
    listeners: list[Heard] = field(default_factory=list)

    @classmethod
    def of(cls, visit: Visit) -> "Shopping":
        """The shopper that the browser remembers; somebody else's name only for who may read profiles."""
        named = visit.cookies.get(SHOPPER) or None
        if named is not None and not named.startswith(GUEST) and not visit.may("read"):
            named = None
        return cls(visit, named, visit.cookies.get(PLAIN) != "1")

    @property
    def newcomer(self) -> bool:
        return self.user_id is None or self.user_id.startswith(GUEST)

    @property
    def name(self) -> str:
        """What the shopper is called on the page."""
        if self.user_id is None:
            return self.visit.say("newcomer")
        if self.newcomer:
            return f"{self.visit.say('guest')} {self.user_id.removeprefix(GUEST)[:4]}"
        return self.user_id

    def asks(self) -> dict[str, Any]:
        """How every question of this shopper is asked; without personalisation nothing of the visit is told either."""
        asked: dict[str, Any] = {"language": self.visit.language, "personalise": self.personalise, "user": self.user_id}
        return asked | ({"context": self.viewed[-CONTEXT:]} if self.personalise else {})

    async def profile(self) -> Profile | None:
        """What is known of the shopper; None where nothing is yet."""
        if self.user_id is None:
            return None
        try:
            return await self.visit.ask(self.visit.shop.profile, self.user_id, language=self.visit.language)
        except UnknownName:
            return None

    # -- who --------------------------------------------------------------------------------------------------

    def become(self, user_id: str | None) -> None:
        """From the next page on somebody else shops; None: a newcomer."""
        self.visit.keep(SHOPPER, user_id)

    def prefer(self, personalise: bool) -> None:
        """Whether answers may depend on who shops, from now on."""
        self.personalise = personalise
        self.visit.keep(PLAIN, None if personalise else "1")

    def _named(self) -> str:
        if self.user_id is None:
            self.user_id = GUEST + uuid.uuid4().hex
            self.visit.keep(SHOPPER, self.user_id)
        return self.user_id

    # -- what is done -----------------------------------------------------------------------------------------

    async def track(self, event: str, properties: dict[str, Any]) -> bool:
        """Have something done on the record, durable when this returns; listeners hear of it once it is folded.

        False where it could not be kept: the page says why.
        """
        user_id = self._named()
        who = {"anonymousId": user_id} if user_id.startswith(GUEST) else {"userId": user_id}
        message = {"type": "track", "event": event, "messageId": uuid.uuid4().hex, "properties": properties, **who}
        body = msgspec.json.encode(message)
        before = await self._counted()
        try:
            await self.visit.ask(self.visit.site.live.track, body, source=SOURCE, kind="track")
        except MienError as error:
            with self.visit.client:
                ui.notify(self.visit.why(error), type="warning")
            return False
        for heard in self.listeners:
            await heard()
        background_tasks.create(self._until_folded(before), name="until it is folded")
        return True

    async def _counted(self) -> int:
        return await self.visit.ask(self.visit.shop.people.events, self.user_id or "")

    async def _until_folded(self, before: int) -> None:
        for _ in range(int(PATIENCE_S / LOOK_S)):
            if self.visit.client.is_deleted:
                return
            if await self._counted() != before:
                break
            await asyncio.sleep(LOOK_S)
        for heard in self.listeners:
            await heard()

    async def looked_at(self, item: Item, impression_id: str) -> None:
        """An item's page was opened."""
        self.viewed = [one for one in self.viewed if one != item.item_id] + [item.item_id]
        await self.track("Product Viewed", _product(item) | ({"impression_id": impression_id} if impression_id else {}))

    async def searched(self, text: str) -> None:
        """Something was looked for."""
        await self.track("Products Searched", {"query": text})

    async def put(self, item: Item, pieces: int = 1, impression_id: str = "") -> None:
        """Put an item into the cart, or with fewer than no pieces take some out."""
        await self.load()
        held = self.cart.get(item.item_id, 0)
        now = max(0, held + pieces)
        if now == held:
            return
        self._hold(item.item_id, now)
        told = _product(item) | {"quantity": abs(now - held)}
        told |= {"impression_id": impression_id} if impression_id else {}
        if not await self.track("Product Added" if now > held else "Product Removed", told):
            self._hold(item.item_id, held)

    def _hold(self, item_id: str, pieces: int) -> None:
        self.cart[item_id] = pieces
        if not pieces:
            del self.cart[item_id]

    async def buy(self, items: Sequence[Item]) -> float | None:
        """Buy what lies in the cart; returns what it cost, None where the order could not be kept."""
        products = [_product(item) | {"quantity": self.cart[item.item_id]} for item in items]
        total = sum((item.price or 0.0) * self.cart[item.item_id] for item in items)
        held = dict(self.cart)
        self.cart.clear()
        order = {"order_id": uuid.uuid4().hex, "total": total, "products": products}
        if await self.track("Order Completed", order):
            return total
        self.cart.update(held)
        return None

    async def load(self) -> None:
        """Find out what lies in the cart: what was put in and neither taken out nor bought, as the log tells."""
        if self.loaded:
            return
        self.loaded = True
        if self.user_id is None:
            return
        try:
            person = await self.visit.ask(self.visit.shop.people.person, self.user_id)
            deeds = await self.visit.ask(person.deeds, "", len(person.events))
        except MienError:
            return
        self.cart = cart_of(deeds.deeds)


def cart_of(deeds: Sequence[Deed]) -> dict[str, int]:
    """The cart that somebody's deeds (newest first) leave: item id → pieces. A purchase empties its item's place."""
    cart: dict[str, int] = {}
    for deed in reversed(deeds):
        if deed.item_id is None:
            continue
        if deed.action == Action.CART:
            cart[deed.item_id] = cart.get(deed.item_id, 0) + max(1, round(deed.quantity))
        elif deed.action == Action.UNCART:
            cart[deed.item_id] = cart.get(deed.item_id, 0) - max(1, round(deed.quantity))
        elif deed.action == Action.PURCHASE:
            cart.pop(deed.item_id, None)
        if cart.get(deed.item_id, 1) <= 0:
            del cart[deed.item_id]
    return cart


def _product(item: Item) -> dict[str, Any]:
    """An item as messages name it."""
    return {"product_id": item.item_id} | ({} if item.price is None else {"price": item.price})
