"""Why: the reasons of a result as bars that add up to its score, the events behind them, and what would move it."""

from dataclasses import dataclass, field
from typing import Any

from nicegui import ui

from mien.core.errors import MienError
from mien.core.query import Answer, Reason, Result
from mien.profiles.local import number
from mien.shop.people import Deed
from mien.web.look.bars import summands
from mien.web.look.icons import icon
from mien.web.look.parts import El, button, drawn, waiting
from mien.web.storefront.shopping import Shopping


@dataclass(frozen=True, slots=True)
class Asked:
    """The question that an answer came of, as `Shop.explain` takes it."""

    query: str = ""
    kind: str = "for-you"
    cart: tuple[str, ...] = ()
    filters: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def told(self) -> dict[str, Any]:
        """Its parts."""
        return {"query": self.query, "kind": self.kind, "cart": self.cart, "filters": self.filters}


async def why(shopping: Shopping, result: Result, asked: Asked) -> None:
    """A dialog with all of it; evidence and what would move the item follow a moment later."""
    visit = shopping.visit
    with visit.client, ui.dialog() as dialog, El("div.sheet.why", role="dialog", aria_label=visit.say("why")):
        with El("div.sheet-head"):
            with El("div.stack"):
                El("h2", visit.say("why_of", title=result.title))
                El("p.note", visit.say("why_sum"))
            button("", dialog.close, "quiet.icon-only", symbol="close", label=visit.say("close"))
        words = (visit.say("base"), visit.say("score"))
        drawn(summands(visit.say("why"), result.reasons, result.score, words), "div")
        more = El("div.stack.wide")
        with more:
            waiting(visit.say("loading"))
    dialog.open()
    evidence = await found_evidence(shopping, result.reasons)
    answer = await explained(shopping, result, asked)
    more.clear()
    with more:
        if evidence:
            El("h3", visit.say("evidence"))
            with El("ul.evidence"):
                for deed in evidence:
                    told(shopping, deed)
        moves = [] if answer is None else answer.moves
        if moves:
            El("h3", visit.say("would_move"))
            with El("ul.moves"):
                for one in moves:
                    El("li", one.text)


async def found_evidence(shopping: Shopping, reasons: tuple[Reason, ...]) -> list[Deed]:
    """The shopper's deeds that the reasons name."""
    ids = {event_id for reason in reasons for event_id in reason.evidence}
    if not ids or shopping.user_id is None:
        return []
    try:
        person = await shopping.visit.ask(shopping.visit.shop.people.person, shopping.user_id)
        return await shopping.visit.ask(person.evidence, ids)
    except MienError:
        return []


async def explained(shopping: Shopping, result: Result, asked: Asked) -> Answer | None:
    """What would move the item; None where it cannot be told."""
    if asked.kind == "similar" and asked.cart:
        return None
    asks = shopping.asks()
    user = asks.pop("user")
    try:
        return await shopping.visit.ask(
            lambda: shopping.visit.shop.explain(user, result.item_id, **asked.told(), **asks)
        )
    except MienError:
        return None


def told(shopping: Shopping, deed: Deed) -> None:
    """One deed in a line."""
    visit = shopping.visit
    with El("li"):
        drawn(icon("check", 16), "span.symbol")
        El("span", f"{visit.say('act_' + deed.action)} · {deed.title or deed.query or deed.item_id or ''}")
        pieces = f" × {number(deed.quantity)}" if deed.quantity > 1 else ""
        El("span.note.small.nowrap", f"{visit.day(deed.at)}{pieces}")
