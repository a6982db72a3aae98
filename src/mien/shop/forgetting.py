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
        "others": [other for one in rows for other in stock.tail.others(one)],
    }


def _told(stock: Stock, row: int) -> list[dict[str, Any]]:
    """The events of a row in the shop's own ids, oldest first; what is unknown is absent."""
    events = stock.log_of(row).drop([LOGGED.USER, LOGGED.FINGERPRINT]).to_pylist()
    rows = [event.pop(LOGGED.ITEM) for event in events]
    items = stock.catalog.items.keys(-1 if item is None else item for item in rows)
    told = []
    for event, item_id in zip(events, items, strict=True):
        named = {**event, EVENT.ITEM_ID: item_id, LOGGED.AT: event[LOGGED.AT].isoformat()}
        told.append({name: value for name, value in named.items() if value is not None})
    return told


def erase(stock: Stock, row: UserRow, user_id: str) -> dict[str, Any]:
    """Forget a person, all their ids, in the log, the states, the trained models and the catalogue.

    Keyed-hash tombstones remain. The order makes a crash harmless: the id asked for goes last, so that erasing can be
    asked for again. Live folding waits meanwhile.
    """
    rows = [one for one in stock.persons(row) if one != row] + [int(row)]
    events, forgotten = 0, set[str]()
    with stock.changing_states():
        for one in rows:
            logged = stock.log_of(one)
            events += len(logged)
            forget_queries(stock, logged[LOGGED.QUERY].to_pylist())
            stock.history.erase(one)
            stock.states.delete([UserRow(one)])
            forgotten |= {name for name in MODELS if _forget_in_model(stock, name, UserRow(one))}
            key = user_id if one == row else stock.catalog.users.key(one)
            with stock.catalog.transaction() as db:
                stock.tail.erase(db, one)
                if key is not None:
                    stock.catalog.forget(db, one, key)
        stock.states.purge()
        stock.catalog.purge()
    return {"erased": True, "events": events, "models": sorted(forgotten)}


def _forget_in_model(stock: Stock, name: str, row: UserRow) -> bool:
    """Drop the user's rows from a trained model; False where there is no such model."""
    try:
        model = load_model(name, stock.workspace.models)
    except NotReady:
        return False
    model.forget([row]).save(stock.workspace.models)
    return True
