"""What is kept about a user, handed out or forgotten."""

from typing import Any

from mien.core.errors import NotReady
from mien.core.ids import UserRow
from mien.core.tables import EVENT, LOGGED
from mien.models.named import MODELS, load_model
from mien.shop.serving import Serving
from mien.shop.stock import Stock
from mien.shop.typed import forget_queries


def export(serving: Serving, user_id: str, row: UserRow, at_us: int) -> dict[str, Any]:
    """The profile, what was declared, and every event as it was logged."""
    stock = serving.stock
    declared = stock.catalog.declared(row)
    rows = stock.persons(row)
    events = [event for one in rows for event in _told(stock, one)]
    return {
        "user_id": user_id,
        "declared": {"traits": declared.traits, "consents": declared.consents} if declared else {},
        "profile": serving.profile(user_id, at_us).to_dict(),
        "events": events,
    }


def _told(stock: Stock, row: int) -> list[dict[str, Any]]:
    """The events of a row in the shop's own ids, oldest first; what is unknown is absent."""
    events = stock.history.events_of(row).drop([LOGGED.USER, LOGGED.FINGERPRINT]).to_pylist()
    rows = [event.pop(LOGGED.ITEM) for event in events]
    items = stock.catalog.items.keys(-1 if item is None else item for item in rows)
    told = []
    for event, item_id in zip(events, items, strict=True):
        named = {**event, EVENT.ITEM_ID: item_id, LOGGED.AT: event[LOGGED.AT].isoformat()}
        told.append({name: value for name, value in named.items() if value is not None})
    return told


def erase(stock: Stock, row: UserRow, user_id: str) -> dict[str, Any]:
    """Forget a user in the log, the states, the trained models and the catalogue; a keyed-hash tombstone remains.

    The order makes a crash harmless: the id goes last, so that erasing can be asked for again.
    """
    logged = stock.history.events_of(row)
    events = len(logged)
    forget_queries(stock, logged[LOGGED.QUERY].to_pylist())
    stock.history.erase(row)
    stock.states.delete([row])
    forgotten = [name for name in MODELS if _forget_in_model(stock, name, row)]
    with stock.catalog.transaction() as db:
        stock.catalog.forget(db, row, user_id)
    stock.catalog.purge()
    return {"erased": True, "events": events, "models": forgotten}


def _forget_in_model(stock: Stock, name: str, row: UserRow) -> bool:
    """Drop the user's rows from a trained model; False where there is no such model."""
    try:
        model = load_model(name, stock.workspace.models)
    except NotReady:
        return False
    model.forget([row]).save(stock.workspace.models)
    return True
