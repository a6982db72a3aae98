"""States in memory: for tests, notebooks and short-lived processes."""

from collections.abc import Iterable, Iterator

from mien.core.ids import UserRow


class MemoryStore:
    """A `ProfileStore` that lives as long as the process."""

    def __init__(self) -> None:
        self._states: dict[UserRow, bytes] = {}
        self._offset = 0

    def read(self, user: UserRow) -> bytes | None:
        return self._states.get(user)

    def read_many(self, users: Iterable[UserRow]) -> dict[UserRow, bytes]:
        states = self._states
        return {user: states[user] for user in users if user in states}

    def write(self, states: Iterable[tuple[UserRow, bytes]], offset: int | None = None) -> None:
        fresh = dict(states)  # drawn in full first: a failing source leaves the store as it was
        self._states.update(fresh)
        if offset is not None:
            self._offset = offset

    def offset(self) -> int:
        return self._offset

    def delete(self, users: Iterable[UserRow]) -> None:
        for user in users:
            self._states.pop(user, None)

    def purge(self) -> None:
        """What is deleted is gone."""

    def clear(self) -> None:
        self._states.clear()
        self._offset = 0

    def users(self) -> Iterator[UserRow]:
        return iter(sorted(self._states))

    def __len__(self) -> int:
        return len(self._states)

    def close(self) -> None:
        """Nothing to close."""
