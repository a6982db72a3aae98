"""The seams (DESIGN §8): what a part needs of another, so that the default can be outgrown."""

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

from mien.core.ids import UserRow


class ProfileStore(Protocol):
    """Folded states by user row, as bytes the store does not read, and how far of the log they hold.

    Default: SQLite; Redis and PostgreSQL beside it. Shipped law tests: `testing.store_checks`. A store on a server
    raises `TransientError` where that does not answer; then nothing has happened, or all of it.
    """

    def read(self, user: UserRow) -> bytes | None:
        """The state of a user, or None. Cost: one key look-up."""
        ...

    def read_many(self, users: Iterable[UserRow]) -> dict[UserRow, bytes]:
        """The states of those users that have one."""
        ...

    def write(self, states: Iterable[tuple[UserRow, bytes]], offset: int | None = None) -> None:
        """Replace states and, with them in one durable transaction, the log offset they hold."""
        ...

    def offset(self) -> int:
        """Up to which tail offset (exclusive) the states are folded; 0 at the beginning."""
        ...

    def delete(self, users: Iterable[UserRow]) -> None:
        """Forget the states of these users."""
        ...

    def purge(self) -> None:
        """Take out the bytes of what was deleted or replaced, as far as the store can. May be dear: once an erasure."""
        ...

    def clear(self) -> None:
        """Forget every state and the offset."""
        ...

    def users(self) -> Iterator[UserRow]:
        """All users with a state, ascending."""
        ...

    def __len__(self) -> int: ...

    def close(self) -> None: ...


class Progress(Protocol):
    """How long work says how far it is: a step's name, its total (None: unknown), and an `advance` to call.

    `note` says in a few words how the step at hand is doing.
    """

    def step(self, name: str, total: int | None) -> Callable[[int], None]:
        """Begin a step; call what it returns with the amount done since the last call."""
        ...

    def note(self, text: str) -> None:
        """Put `text` beside the step at hand, in place of the note before."""
        ...


class Silent:
    """A `Progress` that says nothing."""

    def step(self, name: str, total: int | None) -> Callable[[int], None]:
        return lambda amount: None

    def note(self, text: str) -> None:
        pass
