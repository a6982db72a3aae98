"""Who is like somebody: the nearest by tags, and in what."""

from mien.core.errors import MienError
from mien.core.item import CATEGORY_SEPARATOR
from mien.features.prices import PRICE_BAND
from mien.profiles.local import number
from mien.web.console.users import address
from mien.web.look.parts import El, card, chip, link, waiting
from mien.web.look.visit import Visit

SHOWN = 6


def draw(visit: Visit, user_id: str) -> None:
    """The card; it fills a moment later, since everybody is looked at."""
    with card(visit.say("alike"), visit.say("alike_note")), El("div") as place:
        waiting(visit.say("loading"))
    visit.later(place, lambda: fill(visit, user_id, place))


async def fill(visit: Visit, user_id: str, place: El) -> None:
    """The nearest, with what they share."""
    try:
        found = await visit.ask(visit.shop.segments.alike, user_id, SHOWN)
    except MienError as error:
        place.clear()
        with place:
            El("p.note", visit.why(error))
        return
    if visit.client.is_deleted or place.is_deleted:
        return
    place.clear()
    with place:
        if not found.users:
            El("p.note", visit.say("alike_none"))
        with El("ul.alike"):
            for one in found.users:
                with El("li"):
                    link(one.user_id, address(one.user_id), "a.mono")
                    with El("span.traits"):
                        for shared in one.shared[:3]:
                            chip(liked(visit, shared))
                    El("span.n", number(one.likeness, 2), title=visit.say("likeness"))


def liked(visit: Visit, tag: str) -> str:
    """ "category=Food/Tea" as "Tea", "price_band=2" as "2 of 5"."""
    facet, _, value = tag.partition("=")
    if facet == PRICE_BAND:
        return visit.say("band_of", value=value)
    return value.rpartition(CATEGORY_SEPARATOR)[2] if facet == "category" else value
