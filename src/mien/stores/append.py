"""How messages are kept: each once, under rows for its ids, with what it declares and who it says is who."""

import json
import sqlite3
from collections import Counter
from collections.abc import Iterable
from typing import Any

import msgspec

from mien.core.clock import HOUR_US, to_us
from mien.core.consent import ANALYTICS, Word, purpose_of
from mien.core.event import Event
from mien.core.ids import id_text
from mien.core.tracked import Refusal, Tracked
from mien.stores.catalog import Catalog
from mien.stores.letters import words_of
from mien.stores.private import OPEN, OTHER, QUOTED, SAID, TOLD, pack, received, unpack

Rows = dict[tuple[str, str], int | None]
NO_CONSENT = "no_consent"
"""The fate of a message whose user does not let it be kept."""


class Append:
    """One append, inside the transaction of `db`. `rows`: what is remembered between appends, by what it is."""

    def __init__(
        self, catalog: Catalog, db: sqlite3.Connection, rows: Rows, *, key: bytes, most_ids: int, source: str
    ) -> None:
        self.catalog, self.db, self.rows, self.source = catalog, db, rows, source
        self.key, self.most_ids = key, most_ids
        self.fates: Counter[str] = Counter()
        self.events: list[tuple[Any, ...]] = []
        self.private: list[tuple[int, bytes]] = []
        self.others: list[tuple[int, str, int, bytes]] = []
        self.letters: list[dict[str, Any]] = []
        self.otherwise = catalog.consents.otherwise
        self.all_allow = catalog.consents.all_allow(ANALYTICS)

    def all(self, batches: Iterable[Iterable[Tracked | Refusal]]) -> list[Counter[str]]:
        """The fates of each batch. What all of them say is written together, which costs half."""
        told = []
        for batch in batches:
            begin = len(self.events)
            told.append((self._all(list(batch)), slice(begin, len(self.events))))
        events = self._write()
        total = sum((fates for fates, _ in told), Counter[str]())
        self.db.executemany(
            "INSERT INTO fates VALUES (?, ?) ON CONFLICT (fate) DO UPDATE SET n = n + excluded.n", total.items()
        )
        for fates, place in told:
            fates["events"] = sum(events[place])
        return [fates for fates, _ in told]

    def _all(self, messages: list[Tracked | Refusal]) -> Counter[str]:
        self.fates = Counter()
        self._know([message.user_id for message in messages if isinstance(message, Tracked)])
        for message in messages:
            if isinstance(message, Refusal):
                self._refuse(message, message.raw if self._may_be_kept(message.raw) else "")
            else:
                self.fates[self._keep(message)] += 1
        return self.fates

    def _write(self) -> list[bool]:
        """Write what was gathered; of each event whether it was: none is of a user whose key was destroyed since."""
        sealed = self.catalog.vault.seal_all(self.private, SAID)
        events = ((*row, one) for row, one in zip(self.events, sealed, strict=True) if one is not None)
        self.db.executemany(f"INSERT INTO tail ({QUOTED}, sealed) VALUES ({', '.join('?' * (len(OPEN) + 1))})", events)
        acts = self.catalog.vault.seal_all([(user, said) for user, _, _, said in self.others], OTHER)
        others = ((*row[:3], one) for row, one in zip(self.others, acts, strict=True) if one is not None)
        self.db.executemany("INSERT INTO others (user, name, at, sealed) VALUES (?, ?, ?, ?)", others)
        self.catalog.letters.bury(self.db, self.letters)
        return [one is not None for one in sealed]

    def _refuse(self, refusal: Refusal, raw: str, user: int | None = None) -> None:
        self.fates[refusal.reason] += 1
        self._bury(refusal.reason, refusal.detail, raw, user)

    def _keep(self, message: Tracked) -> str:
        if not self.otherwise and self._stranger(message):
            return NO_CONSENT
        user = self._row("user_ids", message.user_id)
        if user is None:
            return "erased"
        if message.consents:
            self._consent(user, message)
        if not self.all_allow and not self._profilable(user):
            if message.joins is not None:
                self._join(user, message)
            return NO_CONSENT
        key, print_ = received(self.key, message.source, message.message_id, message.digest)
        known = self.db.execute("INSERT OR IGNORE INTO received VALUES (?, ?)", (key, print_)).rowcount == 0
        if known:
            (first,) = self.db.execute("SELECT fingerprint FROM received WHERE digest = ?", (key,)).fetchone()
            if first == print_:
                return "duplicate"
            detail = f"another message of the id {message.message_id} was received first"
            said = {"messageId": message.message_id, "userId": message.user_id}
            self._bury("conflicting_id", detail, json.dumps(said, ensure_ascii=False), user)
            return "conflict"
        for refusal in message.refused:
            said = {"userId": message.user_id, "said": refusal.detail}
            self._refuse(refusal, json.dumps(said, ensure_ascii=False), user)
        for event in message.events:
            self._log(user, message.digest, event)
        self._keep_rest(user, message)
        return "new"

    def _bury(self, reason: str, detail: str, raw: str, user: int | None) -> None:
        self.letters.append(
            {"source": self.source, "file": None, "row": None, "reason": reason, "detail": detail, "raw": raw,
             "user": user}
        )  # fmt: skip

    def _log(self, user: int, digest: int, event: Event) -> None:
        item = None if event.item_id is None else self._row("item_ids", event.item_id)
        self.events.append(
            (user, event.source, digest, str(event.action), item, to_us(event.at), event.value, event.quantity,
             event.rating)
        )  # fmt: skip
        private = (event.event_id, event.query, event.text, event.impression_id, event.properties)
        self.private.append((user, pack(private)))

    def _know(self, user_ids: list[str]) -> None:
        """Give new users rows, all at once, since keys made together cost half; not where one must agree first."""
        if not self.catalog.consents.otherwise:
            return
        new = [key for key in dict.fromkeys(user_ids) if ("user_ids", key) not in self.rows]
        known = [key for key, gone in zip(new, self.catalog.erased(new), strict=True) if not gone]
        self.rows |= {("user_ids", key): None for key in new}
        self.rows |= {("user_ids", key): row for key, row in zip(known, self.catalog.users.give(known), strict=True)}

    def _row(self, table: str, key: str) -> int | None:
        """The row of an id, given now where it is new; None for a user who was erased."""
        place = (table, key)
        if place in self.rows:
            return self.rows[place]
        ids = self.catalog.users if table == "user_ids" else self.catalog.items
        row = ids.row(key)
        if row is None and not (table == "user_ids" and self.catalog.erased([key])[0]):
            row = ids.give([key])[0]
        self.rows[place] = row
        return row

    def _keep_rest(self, user: int, message: Tracked) -> None:
        if message.known and ("named", message.user_id) not in self.rows:
            self.db.execute("INSERT OR IGNORE INTO named VALUES (?)", (user,))
            self.rows["named", message.user_id] = user
        if message.other is not None:
            self.others.append((user, message.other.name, message.at_us, message.other.properties.encode()))
        for item_id, fields in message.items.items():
            self._row("item_ids", item_id)
            self.db.execute(
                "INSERT INTO told_items VALUES (?, ?, ?) ON CONFLICT (item_id) DO UPDATE SET fields = excluded.fields, "
                "at = excluded.at WHERE (excluded.at, excluded.fields) > (at, fields)",
                (item_id, item_json(fields), message.at_us),
            )
        if message.traits:
            self._declare(user, message)
        if message.joins is not None:
            self._join(user, message)

    def _declare(self, user: int, message: Tracked) -> None:
        """The newest word about each trait counts, whatever order the words come in."""
        vault = self.catalog.vault
        found = self.db.execute("SELECT sealed FROM told_traits WHERE user = ?", (user,)).fetchone()
        plain = vault.open(user, found[0], TOLD) if found else None
        told: dict[str, tuple[int, str]] = {name: (at, said) for name, (at, said) in unpack(plain or pack({})).items()}
        for name, value in message.traits.items():
            told[name] = max(told.get(name, (-1, "")), (message.at_us, json.dumps(value)))
        sealed = vault.seal(user, pack(told), TOLD)
        if sealed is None:
            return  # erased meanwhile
        self.db.execute("INSERT OR REPLACE INTO told_traits VALUES (?, ?)", (user, sealed))
        newest = {name: json.loads(told[name][1]) for name in message.traits}  # a file may have said more of others
        self.catalog.set_traits(self.db, user, (self.catalog.traits(user) or {}) | newest)

    # -- consent ------------------------------------------------------------------------------------------------

    def _stranger(self, message: Tracked) -> bool:
        """Somebody of whom nothing is known, where one must have agreed: not even the id is kept."""
        if message.consents:
            return False
        return ("user_ids", message.user_id) not in self.rows and self.catalog.users.row(message.user_id) is None

    def _may_be_kept(self, raw: str) -> bool:
        """Whether a message that could not be read may be kept as it came; one of somebody who refused may not.

        What is no message, broken or cut, is of whoever any word of it names.
        """
        if self.all_allow:
            return True
        try:
            said = msgspec.json.decode(raw)
        except (msgspec.DecodeError, RecursionError):
            said = None
        named = (
            [id_text(said.get(name)) for name in ("userId", "anonymousId")] if isinstance(said, dict) else words_of(raw)
        )
        rows = [row for one in named if one is not None and (row := self.catalog.users.row(one)) is not None]
        return all(map(self._profilable, rows)) if rows else self.catalog.consents.otherwise

    def _consent(self, user: int, message: Tracked) -> None:
        """What a banner said holds for the id it was said under, and for the device's id where that is joined to it.

        Clients say it with every message. What they agree to is noted once an hour, what they refuse each time: an
        agreement that comes late never outvotes a refusal.
        """
        source = f"tracking:{message.source}"
        words = [Word(name, given, message.at_us, source) for name, given in message.consents.items()]
        same = hash((source, message.joins, tuple(message.consents.items()), message.at_us // HOUR_US))
        if self.rows.get(("said", str(user))) == same:
            self.catalog.consents.repeat(user, [word for word in words if not word.given])
            return
        changed = self.catalog.consents.record(user, words)
        kept = self.catalog.consents.of(user)
        if all(kept.get(purpose_of(word.purpose)) == word.given for word in words):  # else it is news when said again
            self.rows["said", str(user)] = same
        if message.joins is not None and not message.alias:
            other = self._row("user_ids", message.joins)
            self._join(user, message)
            if other is not None and self.catalog.person(other) == self.catalog.person(user):
                changed |= self.catalog.consents.record(other, words)
        if changed:
            self._ask_again(user)

    def _ask_again(self, user: int) -> None:
        """What a person allows may have changed."""
        self.all_allow = self.catalog.consents.all_allow(ANALYTICS)
        person = self.catalog.person(user)
        for row in (person, *self.catalog.members(person)):
            self.rows.pop((ANALYTICS, str(row)), None)

    def _profilable(self, user: int) -> bool:
        """Whether the person lets what they do be kept; remembered, since it is asked with every message."""
        if self.all_allow:
            return True
        place = (ANALYTICS, str(user))
        if place not in self.rows:
            self.rows[place] = int(self.catalog.person_declared(user).profilable)
        return bool(self.rows[place])

    # -- identities ---------------------------------------------------------------------------------------------

    def _join(self, user: int, message: Tracked) -> None:
        """Stitch the other id into the person, unless a guard refuses it; then that is reported."""
        assert message.joins is not None, "the caller looked"
        pair = ("joined", f"{message.joins}\0{message.user_id}")
        if pair in self.rows:
            return
        other = self._row("user_ids", message.joins)
        if other is None:
            return
        person, theirs = self.catalog.person(user), self.catalog.person(other)
        if person != theirs:
            refused = self._refused(person, other, theirs, alias=message.alias)
            if refused is not None:
                said = {"messageId": message.message_id, "userId": message.user_id, "joins": message.joins}
                self.fates[refused[0]] += 1
                self._bury(*refused, json.dumps(said, ensure_ascii=False), user)
                return
            self.db.execute("UPDATE stitched SET into_user = ? WHERE into_user = ?", (person, other))
            self.db.execute("INSERT OR REPLACE INTO stitched VALUES (?, ?)", (other, person))
            self.db.execute("INSERT OR IGNORE INTO unfolded VALUES (?)", (person,))
            self._ask_again(person)
        self.rows[pair] = person

    def _refused(self, person: int, other: int, theirs: int, *, alias: bool) -> tuple[str, str] | None:
        if theirs != other:
            return "already_joined", "that id belongs to another person; it stays with the first"
        if not alias and self.db.execute("SELECT 1 FROM named WHERE user = ?", (other,)).fetchone():
            return "names_another", "that visitor's id is the name of another user; only an alias joins two names"
        ids = 2 + len(self.catalog.members(person)) + len(self.catalog.members(other))
        if ids > self.most_ids:
            return "too_many_ids", f"{ids} ids would be one person; {self.most_ids} may be"
        return None


def item_json(fields: dict[str, Any]) -> str:
    """What was told of an item, as it is written."""
    return json.dumps(fields, ensure_ascii=False, sort_keys=True)
