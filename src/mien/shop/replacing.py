"""How a build puts its states in place of those that are there, while live events go on being folded."""

from collections.abc import Iterable

from mien.core.ids import UserRow
from mien.features.codec import decode, encode
from mien.features.fold import fold
from mien.prepare.clean import judge_event
from mien.prepare.judgement import Judgement
from mien.shop.stock import Stock, logged

AT_ONCE = 2_000
"""States written in one transaction."""


class Writing:
    """States of one build on their way into the store. `written`: whose.

    A state is of the history; what the live fold had added of the tail is added to it again, at the gate. Persons of
    several ids are left to `refold_persons`.
    """

    def __init__(self, stock: Stock, judgement: Judgement, *, live: bool) -> None:
        self.stock, self.judgement, self.live = stock, judgement, live
        self.written: set[UserRow] = set()
        stitches = stock.catalog.stitches()
        self._stitched = {*stitches, *stitches.values()}

    def all(self, states: Iterable[tuple[UserRow, bytes]]) -> None:
        """Write the states of some users."""
        batch: list[tuple[UserRow, bytes]] = []
        for user, state in states:
            self.written.add(user)
            if user not in self._stitched:
                batch.append((user, state))
            if len(batch) >= AT_ONCE:
                self._write(batch)
                batch = []
        self._write(batch)

    def _write(self, batch: list[tuple[UserRow, bytes]]) -> None:
        if not batch:
            return
        with self.stock.changing_states():
            before = self.stock.states.offset()
            late = set(self.stock.tail.users(before)) if self.live else set()
            self.stock.states.write(
                [(user, self._with_tail(user, data, before) if user in late else data) for user, data in batch]
            )

    def _with_tail(self, user: UserRow, data: bytes, before: int) -> bytes:
        events = logged(self.stock.tail.table(before=before, user=user), user)
        judged = (judge_event(event, self.judgement) for event in events)
        state = fold(decode(data), [one.event for one in judged if one.verdict is None], self.stock.settings.fold)
        if state.stale:
            state = self.stock.refold([user], None, self.judgement, before)
        return encode(state)

    def drop_others(self) -> None:
        """Drop the states of users who have no events any more, now that everybody was folded."""
        with self.stock.changing_states():
            late = set(self.stock.tail.users(self.stock.states.offset())) if self.live else set()
            kept = self.written | late | self._stitched
            self.stock.states.delete([user for user in self.stock.states.users() if user not in kept])
