"""A Segment message becomes events, fields of items, traits of a user and stitches; what it cannot become, a verdict.

Pure: the moment of receipt is an argument. One bad message says so about itself and about no other.
"""

import hashlib
import math
from datetime import datetime
from functools import lru_cache
from typing import Any, Literal

import msgspec

from mien.collect.cleaning import Cleaner
from mien.collect.declared import CONSENT_TRAITS, consents_of, said_of_user, traits_of, words_of
from mien.collect.refused import RECEIVED, as_received
from mien.collect.scalars import CONTROL, first, number, text_of
from mien.collect.spec import BY_NAME, IMPRESSION_ID, ITEM_FIELDS, ITEM_ID, ORDER_MONEY, REFUSED_IDS, Meaning
from mien.collect.wire import Id, Message
from mien.core.clock import DAY_US, from_us, parse_time, to_us
from mien.core.errors import UsageError
from mien.core.event import Event
from mien.core.ids import id_text
from mien.core.tables import ITEM
from mien.core.tracked import Other, Refusal, Tracked

EVENT_BYTES, BATCH_BYTES, ID_LENGTH = 32 * 1024, 500 * 1024, 100
"""Limits of a message, of a batch (bytes of JSON) and of a message's id (characters)."""
USER_ID_LENGTH = 1000
"""Characters of an id of a user or item."""
PRODUCTS = 1000
"""Products of one message that become events; no message of 32 KB holds more."""
EARLIEST_US = DAY_US
"""Times before are of broken clocks."""
Kind = Literal["track", "identify", "page", "screen", "group", "alias"]
KINDS: tuple[Kind, ...] = ("track", "identify", "page", "screen", "group", "alias")


class _Refused(Exception):
    """A message that cannot be used at all."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(reason, detail)
        self.reason, self.detail = reason, detail


_messages = msgspec.json.Decoder(Message)
_canonical = msgspec.json.Encoder(order="deterministic")
_plain = msgspec.json.Encoder()


def read_message(
    raw: bytes | msgspec.Raw,
    *,
    source: str,
    received_us: int,
    sent_at: Id = None,
    kind: str | None = None,
    unnamed: str | None = None,
    cleaner: Cleaner | None = None,
) -> Tracked | Refusal:
    """One message (JSON), whole or refused. `kind`: what the route says it is; `sent_at`: of its batch; `unnamed`: its
    id where it has none (None: made of its content).

    `cleaner`: takes direct identifiers out of what is kept; None leaves them in. Cost: some 20 µs.
    """
    read = _read(bytes(raw), source, received_us, sent_at, kind, unnamed, cleaner)
    if cleaner is None:
        return read
    if isinstance(read, Refusal):
        return cleaner.refusal(read)
    if read.refused:
        read.refused = [cleaner.refusal(one) for one in read.refused]
    return read


def _read(
    data: bytes, source: str, received_us: int, sent_at: Id, kind: str | None, unnamed: str | None,
    cleaner: Cleaner | None,
) -> Tracked | Refusal:  # fmt: skip
    try:
        if len(data) > EVENT_BYTES:
            raise _Refused("too_large", f"{len(data):,} bytes; a message may have {EVENT_BYTES:,}")
        try:
            message = _messages.decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as broken:
            raise _Refused("bad_message", str(broken)[:200]) from None
        if message.message_id is None:
            message.message_id = unnamed
        return _tracked(message, source, received_us, sent_at, kind, cleaner)
    except _Refused as refused:
        facts = {"type": kind, "messageId": unnamed, "sentAt": sent_at, RECEIVED: from_us(received_us).isoformat()}
        return Refusal(refused.reason, refused.detail, as_received(data, facts, most=EVENT_BYTES))


def _tracked(
    message: Message, source: str, received_us: int, sent_at: Id, kind: str | None, cleaner: Cleaner | None
) -> Tracked:
    said = (message.type or "").lower() if kind is None else kind
    if said not in KINDS:
        raise _Refused("unknown_type", f"type “{said[:50]}”; a message is one of {', '.join(KINDS)}")
    refused: list[Refusal] = []
    user_id, anonymous_id = (
        _person(message.user_id, "userId", refused),
        _person(message.anonymous_id, "anonymousId", refused),
    )
    person = user_id or anonymous_id
    if person is None:
        raise _Refused(*((refused[0].reason, refused[0].detail) if refused else ("missing_user", "no id of a user")))
    at_us, flag = _moment(message, sent_at, received_us)
    digest = _digest(message, said)
    told = said_of_user(message.traits, message.context) if said == "identify" else {}
    if cleaner is not None:  # after the digest, which is of what was sent
        message.properties, told = cleaner.properties(message.properties), cleaner.traits(told)
        if message.traits is not None and said != "identify":
            message.traits = cleaner.properties(message.traits)
    tracked = Tracked(
        _message_id(message, digest),
        source,
        digest,
        person,
        at_us,
        known=user_id is not None,
        flag=flag,
        refused=refused,
    )
    if user_id is not None and anonymous_id is not None and user_id != anonymous_id:
        tracked.joins = anonymous_id
    if said == "track":
        _read_track(message, tracked, cleaner)
    elif said == "identify":
        tracked.traits = traits_of({name: value for name, value in told.items() if name not in CONSENT_TRAITS})
        for name in CONSENT_TRAITS:
            tracked.consents |= words_of(told.get(name))
    elif said == "alias":
        previous = _person(message.previous_id, "previousId", refused)
        if previous is not None and previous != person:
            tracked.joins, tracked.alias = previous, True
    else:
        tracked.other = _other(f"{said} {message.name or ''}".strip(), message.properties or message.traits, cleaner)
    if message.context is not None:
        tracked.consents |= consents_of(message.context)
    return tracked


# -- ids and times ------------------------------------------------------------------------------------------------


def plain_id(value: object, limit: int = USER_ID_LENGTH) -> str | None:
    """An id as `id_text` reads it. None where nothing is said.

    Raises `_Refused` for one that is too long or holds control characters.
    """
    text = id_text(value)
    if text is None:
        return None
    if len(text) > limit:
        raise _Refused("id_too_long", f"an id of {len(text):,} characters; it may have {limit:,}")
    if not text.isprintable() and CONTROL.search(text):
        raise _Refused("bad_id", "an id with control characters")
    return text


def _person(value: Id, name: str, refused: list[Refusal]) -> str | None:
    """An id of a person; one that stands for nobody is reported and left out."""
    text = None if value is None else plain_id(value)
    if text is not None and text.casefold() in REFUSED_IDS:
        refused.append(Refusal("refused_id", f"{name} “{text}” stands for nobody in particular"))
        return None
    return text


def _message_id(message: Message, digest: int) -> str:
    """The message's own id, else one made of its content."""
    said = plain_id(message.message_id, USER_ID_LENGTH)
    if said is None:
        return f"content-{digest & (1 << 64) - 1:016x}"
    if len(said) > ID_LENGTH:
        raise _Refused("message_id_too_long", f"a messageId of {len(said)} characters; it may have {ID_LENGTH}")
    return said


def _digest(message: Message, kind: str) -> int:
    """64 bits of what the message says; when it was sent is left out, since each attempt says another time."""
    parts = (
        kind, message.user_id, message.anonymous_id, message.previous_id, message.group_id, message.event, message.name,
        message.properties, said_of_user(message.traits, message.context),
        message.original_timestamp or message.timestamp,
    )  # fmt: skip
    hashed = hashlib.blake2b(_canonical.encode(parts), digest_size=8).digest()
    return int.from_bytes(hashed, "little", signed=True)


def _moment(message: Message, sent_at: Id, received_us: int) -> tuple[int, str | None]:
    """When it happened by the server's clock, and the flag `future` where the client said later than now.

    timestamp = receivedAt − (sentAt − originalTimestamp): a clock that is wrong is wrong in both of the client's times.
    """
    said = message.original_timestamp if message.original_timestamp is not None else message.timestamp
    if said is None:
        return received_us, None
    original_us = time_us(said)
    if original_us is None:
        raise _Refused("bad_time", f"timestamp “{str(said)[:100]}” is not a time")
    sent = message.sent_at if message.sent_at is not None else sent_at
    sent_us = None if sent is None else time_us(sent)
    at_us = original_us if sent_us is None else received_us - (sent_us - original_us)
    if at_us > received_us:
        return received_us, "future"
    if at_us < EARLIEST_US:
        raise _Refused("time_out_of_range", f"timestamp “{str(said)[:100]}”")
    return at_us, None


def time_us(said: Id) -> int | None:
    """µs of an ISO 8601 text (UTC where it has no offset) or of a number of seconds or milliseconds; None: neither."""
    if said is None or isinstance(said, str):
        return _text_us(said.strip()) if said else None
    if not math.isfinite(said):
        return None
    seconds = said / 1000 if abs(said) >= 1e11 else said
    return round(seconds * 1_000_000) if 0 <= seconds < 4.2e9 else None


@lru_cache(maxsize=256)
def _text_us(text: str) -> int | None:
    """Remembered, since the messages of a batch share the time at which it was sent."""
    try:
        return to_us(parse_time(text))
    except (UsageError, OverflowError):
        return None


# -- what a track says ----------------------------------------------------------------------------------------------


def _read_track(message: Message, tracked: Tracked, cleaner: Cleaner | None) -> None:
    name = message.event if isinstance(message.event, str) else ""
    properties = message.properties or {}
    if not name.strip():
        raise _Refused("missing_event", "a track without the name of its event")
    meaning = BY_NAME.get(name.strip().casefold())
    if meaning is None:
        tracked.other = _other(name.strip(), properties, cleaner)
        return
    products = _products(properties, meaning)
    alone, at = len(products) == 1, from_us(tracked.at_us)
    for place, product in enumerate(products, start=1):
        event_id = tracked.message_id if alone else f"{tracked.message_id}#{place}"
        tracked.events.append(_event(tracked, event_id, at, meaning, properties, product, alone=alone))
        _tell_item(tracked, product)


def _products(properties: dict[str, Any], meaning: Meaning) -> list[dict[str, Any]]:
    """The products a message is about; itself where it lists none."""
    listed = properties.get(meaning.each) if meaning.each else None
    found = [one for one in listed if isinstance(one, dict)][:PRODUCTS] if isinstance(listed, list) else []
    return found or [properties]


def _event(
    tracked: Tracked,
    event_id: str,
    at: datetime,
    meaning: Meaning,
    properties: dict[str, Any],
    product: dict[str, Any],
    *,
    alone: bool,
) -> Event:
    quantity, rest = number(product.get("quantity")), properties
    if product is not properties:
        rest = {k: v for k, v in properties.items() if k != meaning.each} | product
    rest = rest | {"flag": tracked.flag} if tracked.flag else rest
    return Event(
        event_id=event_id,
        source=tracked.source,
        user_id=tracked.user_id,
        action=meaning.action,
        at=at,
        item_id=_first_id(product, ITEM_ID),
        value=_money(meaning, properties, product, quantity, alone=alone),
        quantity=quantity,
        rating=number(first(properties, meaning.rating)) if meaning.rating else None,
        query=text_of(first(properties, meaning.query)) if meaning.query else None,
        text=text_of(first(properties, meaning.text)) if meaning.text else None,
        impression_id=_first_id(properties, IMPRESSION_ID),
        properties=_json(rest),
    )


def _first_id(properties: dict[str, Any], names: tuple[str, ...]) -> str | None:
    said = first(properties, names)
    return None if said is None else plain_id(said)


def _money(
    meaning: Meaning, properties: dict[str, Any], product: dict[str, Any], quantity: float | None, *, alone: bool
) -> float | None:
    """The price of a piece times the pieces; what the whole order is worth where that is all it says."""
    if not meaning.value:
        return None
    price = number(product.get("price"))
    if price is not None:
        return number(price * (1.0 if quantity is None else quantity))
    return number(first(properties, ORDER_MONEY)) if alone else None


def _tell_item(tracked: Tracked, product: dict[str, Any]) -> None:
    """What a message tells of an item, where it at least names it by a title."""
    if first(product, ITEM_FIELDS["title"]) is None:
        return
    item_id = _first_id(product, ITEM_ID)
    said = ((column, first(product, names)) for column, names in ITEM_FIELDS.items())
    read = ((column, number(one) if column == ITEM.PRICE else text_of(one)) for column, one in said if one is not None)
    told: dict[str, Any] = {column: value for column, value in read if value is not None}
    if item_id is not None and ITEM.TITLE in told:
        tracked.items[item_id] = told


def _json(value: object) -> str:
    return _plain.encode(value).decode().replace("\\u0000", " ")


def _other(name: str, properties: dict[str, Any] | None, cleaner: Cleaner | None) -> Other:
    """What is no event of ours. Its name is a title of a page, too, and may have somebody in it."""
    name = name if cleaner is None else cleaner.text(name)
    return Other(text_of(name[:200]) or "?", _json(properties or {}))
