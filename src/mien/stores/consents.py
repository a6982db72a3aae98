"""Who agreed to what and when, in the catalogue file: every change of mind is kept, the newest word counts.

Clients repeat their consents with every message. A word that says what its source said before only moves that row's
`last_us`, so that a row is an answer and how long it was given.
"""

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Mapping

from mien.core.consent import Word, purpose_of
from mien.core.user import User, merged

FILE = "file"
"""The source of words in a file of users."""
SCHEMA = """
CREATE TABLE IF NOT EXISTS consented (
    user INTEGER NOT NULL, purpose TEXT NOT NULL, first_us INTEGER NOT NULL, given INTEGER NOT NULL,
    last_us INTEGER NOT NULL, source TEXT NOT NULL,
    PRIMARY KEY (user, purpose, source, first_us, given)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS refused ON consented (purpose) WHERE given = 0;
"""
_INSERT = (
    "INSERT INTO consented VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET last_us = max(last_us, excluded.last_us)"
)
_HELD = (
    "SELECT first_us, given FROM consented WHERE user = ? AND purpose = ? AND source = ? AND first_us <= ? "
    "ORDER BY first_us DESC, given LIMIT 1"
)
_MOVE = (
    "UPDATE consented SET last_us = max(last_us, ?) "
    "WHERE user = ? AND purpose = ? AND source = ? AND first_us = ? AND given = ?"
)


class Consents:
    """The words of all users. `otherwise`: whether what nobody has spoken of is allowed.

    The caller of what changes something holds a transaction.
    """

    def __init__(self, db: sqlite3.Connection, *, otherwise: bool) -> None:
        self._db, self.otherwise = db, otherwise

    def record(self, user: int, words: Iterable[Word]) -> bool:
        """Keep words, in whatever order they come; whether what counts has changed."""
        before = self.of(user)
        for word in words:
            self._record(user, word)
        return self.of(user) != before

    def repeat(self, user: int, words: Iterable[Word]) -> None:
        """Note that words were said again, which changes nothing but when that was."""
        for word in words:
            self._record(user, word)

    def _record(self, user: int, word: Word) -> None:
        place = (user, purpose_of(word.purpose), word.source)
        held = self._db.execute(_HELD, (*place, word.at_us)).fetchone()
        if held is not None and bool(held[1]) == word.given:
            self._db.execute(_MOVE, (word.at_us, *place, *held))
        else:
            self._db.execute(_INSERT, (user, place[1], word.at_us, word.given, word.at_us, word.source))

    def record_file(self, user: int, said: Mapping[str, bool], at_us: int) -> bool:
        """Keep what a file without times says, as of `at_us`; whether it said anything new.

        It is taken at its word only where it says something other than it said last: a file that is read again does
        not outvote what the user has answered since.
        """
        if not said:
            return False
        query = "SELECT purpose, given FROM consented WHERE user = ? AND source = ? ORDER BY last_us, given DESC"
        before = {purpose: bool(given) for purpose, given in self._db.execute(query, (user, FILE))}
        words = [
            Word(name, given, at_us, FILE) for name, given in said.items() if before.get(purpose_of(name)) != given
        ]
        self.record(user, words)
        return bool(words)

    def of(self, user: int) -> dict[str, bool]:
        """Purpose → the newest word; of two at one instant the refusal counts."""
        query = "SELECT purpose, given FROM consented WHERE user = ? ORDER BY last_us, given DESC"
        return {purpose: bool(given) for purpose, given in self._db.execute(query, (user,))}

    def history(self, user: int) -> list[Word]:
        """Every answer, oldest first."""
        query = (
            "SELECT purpose, given, first_us, source, last_us FROM consented WHERE user = ? "
            "ORDER BY first_us, purpose, given, source"
        )
        rows = self._db.execute(query, (user,))
        return [Word(purpose, bool(given), first, source, last) for purpose, given, first, source, last in rows]

    def last_us(self, user: int) -> int:
        """When anything was last said; -1 where nothing was."""
        (found,) = self._db.execute("SELECT max(last_us) FROM consented WHERE user = ?", (user,)).fetchone()
        return -1 if found is None else int(found)

    def everybody(self) -> dict[int, dict[str, bool]]:
        """`of`, for each row that has said anything."""
        found: dict[int, dict[str, bool]] = defaultdict(dict)
        for user, purpose, given in self._db.execute(
            "SELECT user, purpose, given FROM consented ORDER BY last_us, given DESC"
        ):
            found[int(user)][purpose] = bool(given)
        return found

    def allowing(self, purpose: str) -> dict[int, bool]:
        """Row → whether its person allows a purpose, for all of whom anything is known; `otherwise` holds for the rest.

        Cost: one pass over all words.
        """
        said, persons = self.everybody(), defaultdict[int, list[int]](list)
        for row, person in self._db.execute("SELECT user, into_user FROM stitched"):
            persons[person].append(row)
        joined = {row for rows in persons.values() for row in rows}
        for row in said:
            if row not in joined:
                persons.setdefault(row, [])
        found: dict[int, bool] = {}
        for person, others in persons.items():
            rows = [person, *others]
            one = merged([User("", {}, said[row], self.otherwise) if row in said else None for row in rows])
            found |= dict.fromkeys(rows, one.allows(purpose) if one else self.otherwise)
        return found

    def stamp(self) -> tuple[int, int]:
        """Changes whenever anybody says anything, or takes back what they said."""
        n, last = self._db.execute("SELECT count(*), coalesce(max(last_us), 0) FROM consented").fetchone()
        return int(n), int(last)

    def all_allow(self, purpose: str) -> bool:
        """Whether nobody has to be asked: all is allowed until refused, and nobody ever refused."""
        query = "SELECT 1 FROM consented WHERE purpose = ? AND given = 0 LIMIT 1"
        return self.otherwise and self._db.execute(query, (purpose,)).fetchone() is None

    def erase(self, db: sqlite3.Connection, user: int) -> None:
        """Forget what a row said, in the caller's transaction."""
        db.execute("DELETE FROM consented WHERE user = ?", (user,))
