"""What is kept about a user, handed out or forgotten."""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

from mien.core.clock import from_us
from mien.core.ids import UserRow
from mien.core.tables import EVENT, LOGGED
from mien.models.named import MODELS, load_model
from mien.shop.backing import remove_left
from mien.shop.consenting import told_consents
from mien.shop.holding import detach
from mien.shop.retraining import note_erasure, to_retrain
from mien.shop.serving import Serving
from mien.shop.stock import Stock
from mien.shop.trained import kept
from mien.shop.typed import forget_queries
from mien.shop.workspace import BACKING_UP
from mien.stores.letters import DeadLetter


def export(serving: Serving, user_id: str, row: UserRow, at_us: int) -> dict[str, Any]:
    """All that is kept about the person behind an id, under whichever of their ids."""
    stock = serving.stock
    declared = stock.user(row)
    rows = stock.persons(row)
    events = [event for one in rows for event in _told(stock, one)]
    return {
        "user_id": user_id,
        "ids": [key for key in stock.catalog.users.keys(rows) if key is not None],
        "declared": {"traits": declared.traits, "consents": declared.consents},
        "consents": told_consents(stock, user_id, row),
        "profile": serving.profile(user_id, at_us).to_dict(),
        "events": events,
        "others": [other for one in rows for other in stock.tail.others(one)],
        "dead_letters": [asdict(letter) for letter in _letters(stock, rows)],
        "impressions": [told for one in rows for told in _shown(stock, one)],
        "holds": _holds(stock, rows),
    }


def _holds(stock: Stock, rows: Sequence[int]) -> list[dict[str, Any]]:
    """The legal holds on a person, each once though it is on every id."""
    found = dict.fromkeys((one.until_us, one.reason) for one in stock.catalog.holds.of(rows))
    return [{"until": from_us(until_us).isoformat(), "reason": reason} for until_us, reason in found]


def _letters(stock: Stock, rows: Sequence[int]) -> list[DeadLetter]:
    digests = {digest for row in rows if (digest := stock.catalog.users.digest(row)) is not None}
    return stock.catalog.letters.of(rows, digests)


def _shown(stock: Stock, row: int) -> list[dict[str, Any]]:
    """What was shown to a row, in the shop's own ids, oldest first."""
    found = []
    for one in stock.impressions.of(row):
        told = {name: part for name, part in asdict(one).items() if name not in ("user", "at_us")}
        found.append({**told, "at": from_us(one.at_us).isoformat(), "items": stock.catalog.items.keys(one.items)})
    return found


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


Holder = Callable[[Stock, Sequence[int]], None]
"""Removes everything that one place holds of the users of these rows; doing it twice does no harm."""


def _from_log(stock: Stock, rows: Sequence[int]) -> None:
    for row in rows:
        stock.history.erase(row)


def _from_states(stock: Stock, rows: Sequence[int]) -> None:
    stock.states.delete([UserRow(row) for row in rows])
    stock.states.purge()


def _from_models(stock: Stock, rows: Sequence[int]) -> None:
    for name in MODELS:
        model = kept(partial(load_model, name), stock.workspace.models)
        if model is not None:
            model.forget(rows).save(stock.workspace.models)
    for checkpoint in stock.workspace.models.rglob("*.checkpoint"):
        checkpoint.unlink()


def _from_impressions(stock: Stock, rows: Sequence[int]) -> None:
    stock.impressions.erase(rows)


def _from_spill(stock: Stock, _: Sequence[int]) -> None:
    """What an interrupted ingest, build or backup left; the writer's lock is held, so nobody is using it."""
    shutil.rmtree(stock.workspace.spill, ignore_errors=True)
    remove_left(stock.workspace.folder, BACKING_UP)


HOLDERS: dict[str, Holder] = {
    "log": _from_log,
    "states": _from_states,
    "models": _from_models,
    "impressions": _from_impressions,
    "spill": _from_spill,
}
"""Every place that holds something of users beside the catalogue file, which comes last: erasing goes through all of
them. Whatever keeps user data registers here, and nowhere else."""


def erase(stock: Stock, row: UserRow, now_us: int) -> dict[str, Any]:
    """Forget a person, all their ids, in the log, the states, the trained models and the catalogue.

    Returns how many events went, and the `models` that were trained with them, each with its day for retraining.

    Their keys are destroyed first and the ids noted as erased, by keyed hashes; so an erasure that was interrupted is
    finished by the next writer (`finish_erasures`). Live folding waits meanwhile.
    """
    rows = stock.persons(row)
    logged = [stock.log_of(one) for one in rows]
    forget_queries(stock, [query for table in logged for query in table[LOGGED.QUERY].to_pylist()])
    note_erasure(stock, now_us)
    _forget(stock, rows, now_us)
    return {"erased": True, "events": sum(len(table) for table in logged), "models": to_retrain(stock)}


def finish_erasures(stock: Stock) -> int:
    """Erase who is noted as erased and still here; how many rows. The caller holds the writer's lock."""
    rows = stock.catalog.condemned()
    if rows:
        _forget(stock, rows, 0)
    return len(rows)


def _forget(stock: Stock, rows: Sequence[int], now_us: int) -> None:
    pairs = [(row, digest) for row in rows if (digest := stock.catalog.users.digest(row)) is not None]
    with stock.changing_states():
        detach(stock, rows, now_us)
        stock.catalog.vault.destroy(pairs, now_us)
        for remove in HOLDERS.values():
            remove(stock, rows)
        with stock.catalog.transaction() as db:
            for row in rows:
                stock.tail.erase(db, row)
            stock.catalog.forget(db, rows, {digest for _, digest in pairs})
        stock.catalog.purge()
