"""Direct identifiers are taken out of what people type and programs attach, before any of it is kept.

In their place stands what they were: `<PHONE>`, or, where the same one must be recognised again, `<PHONE:5f3a…>` with a
keyed hash. Ids of users and items are what the shop calls them and stay.
"""

import hashlib
import hmac
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import msgspec

from mien.collect.identifiers import Found, digits, find, overlap, suspect
from mien.core.personal import kind_of_field, kind_of_trait, plain_name
from mien.core.tracked import Refusal

PLAIN = frozenset(
    (
        "sku", "ean", "gtin", "upc", "asin", "isbn", "barcode", "code", "model", "variant", "price", "total", "revenue",
        "value", "subtotal", "shipping", "tax", "discount", "quantity", "position", "url", "imageurl", "timestamp",
        "coupon",
    )
)  # fmt: skip
"""Names of properties whose numbers are goods, money or places, beside those that end in `id`."""
MESSAGE_IDS = frozenset(("userId", "anonymousId", "previousId", "messageId", "groupId"))
"""Fields of a tracked message that say who and which."""

Finder = Callable[[str], Sequence[Found]]
"""More identifiers of a text, beside those of `identifiers.find`."""


@lru_cache(maxsize=4096)
def _goods(name: str) -> bool:
    """Whether a property is named for goods, money or places."""
    plain = plain_name(name)
    return plain.endswith("id") or plain in PLAIN


@dataclass(frozen=True, slots=True)
class Cleaner:
    """Takes identifiers out. `key`: of the hashes in their place, None for none. `more`: looks for more kinds.

    `personal`: names of traits that are kept as declared, beside those of `core.personal`.
    """

    key: bytes | None = None
    more: Finder | None = None
    personal: tuple[str, ...] = ()

    def text(self, text: str, *, numbers: bool = True) -> str:
        """A text without identifiers; the very same object where it has none."""
        if self.more is None and not suspect(text, numbers=numbers):
            return text
        found = find(text, numbers=numbers)
        if self.more is not None and numbers:
            found += (one for one in self.more(text) if not any(overlap(one, other) for other in found))
        for one in sorted(found, key=lambda one: one.start, reverse=True):
            text = text[: one.start] + self.token(one.kind, text[one.start : one.end]) + text[one.end :]
        return text

    def token(self, kind: str, said: str) -> str:
        """What stands in the place of an identifier."""
        if self.key is None:
            return f"<{kind}>"
        plain = digits(said)[-11:] if kind == "PHONE" else re.sub(r"[ \-]", "", said).casefold()
        hashed = hmac.new(self.key, f"{kind}\0{plain}".encode(), hashlib.sha256).hexdigest()
        return f"<{kind}:{hashed[:16]}>"

    def json(self, text: str, ids: frozenset[str] = frozenset()) -> str:
        """JSON without identifiers in its values, or any other text; the very same object where it has none.

        `ids`: names of fields that are ids, and stay.
        """
        try:
            said = msgspec.json.decode(text)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return self.text(text)
        if isinstance(said, dict):
            cleaned: Any = {name: one if name in ids else self.value(one, name) for name, one in said.items()}
        else:
            cleaned = self.value(said)
        return text if cleaned == said else msgspec.json.encode(cleaned).decode()

    def value(self, said: Any, name: str = "") -> Any:
        """A value of JSON, of a property called `name`, without identifiers."""
        kind = kind_of_field(name)
        if kind is not None and said not in (None, "", [], {}) and not isinstance(said, bool):
            return self.token(kind, said if isinstance(said, str) else msgspec.json.encode(said).decode())
        if isinstance(said, str):
            return self.text(said, numbers=not _goods(name) and "://" not in said) if len(said) > 5 else said
        if isinstance(said, float):
            return said
        if isinstance(said, dict):
            return {one: self.value(value, one) for one, value in said.items()}
        if isinstance(said, list):
            return [self.value(one, name) for one in said]
        if isinstance(said, int) and not isinstance(said, bool) and abs(said) > 9_999_999 and not _goods(name):
            return said if (found := self.text(str(said))) == str(said) else found
        return said

    def properties(self, properties: dict[str, Any] | None) -> dict[str, Any] | None:
        """What a message says of what happened, without identifiers. Cost: half a µs a value that has none."""
        return None if properties is None else {name: self.value(said, name) for name, said in properties.items()}

    def traits(self, traits: dict[str, Any]) -> dict[str, Any]:
        """What a user declares of themself: fields named for an identifier as they are, others without any."""
        return {
            name: said if kind_of_trait(name, self.personal) else self.value(said, name)
            for name, said in traits.items()
        }

    def refusal(self, refusal: Refusal) -> Refusal:
        """A dead letter that names nobody but by their ids."""
        return Refusal(refusal.reason, self.text(refusal.detail), self.json(refusal.raw, MESSAGE_IDS))
