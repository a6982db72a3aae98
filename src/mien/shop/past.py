"""The past of a profile, as it is told: events and what each changed."""

from typing import Any

from mien.core.clock import from_us
from mien.profiles.changes import Change, tag_changes
from mien.shop.serving import Serving


def told_changes(
    serving: Serving, user_id: str, row: int, at_us: int, since_us: int | None, limit: int
) -> dict[str, Any]:
    """`changes`: newest first, each an event with the tags it changed; none of who refused personalisation.

    Cost: one bucket of the log is read, and some ms for each event told.
    """
    stock = serving.stock
    events = stock.events(stock.persons(row), at_us, serving.judgement) if stock.user(row).personalisable else []
    options = stock.settings.profile
    changes = tag_changes(
        events, stock.settings.fold, serving.yardstick, len(serving.catalogue), options, since_us=since_us, limit=limit
    )
    as_of = from_us(at_us).isoformat().replace("+00:00", "Z")
    return {"user_id": user_id, "as_of": as_of, "changes": [_told(serving, change) for change in changes]}


def _told(serving: Serving, change: Change) -> dict[str, Any]:
    event = change.event
    item = serving.catalogue.item(int(event.item))
    told: dict[str, Any] = {
        "event_id": event.event_id,
        "at": from_us(event.at_us).isoformat().replace("+00:00", "Z"),
        "action": str(event.action),
        "item_id": serving.stock.catalog.items.key(int(event.item)),
        "title": item and item.title,
    }
    tags = []
    for tag in change.tags:
        numbers = {
            "weight": {"before": tag.weight_before, "after": tag.weight_after},
            "lift": {"before": tag.lift_before, "after": tag.lift_after},
        }
        known = {name: {k: round(v, 6) for k, v in pair.items() if v is not None} for name, pair in numbers.items()}
        tags.append({"facet": tag.facet, "value": tag.value, **known})
    return {name: value for name, value in told.items() if value is not None} | {"tags": tags}
