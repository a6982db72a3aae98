"""The laws of a `ProfileStore`: run them on every store there is, one's own too.

    @pytest.mark.parametrize("check", STORE_CHECKS, ids=lambda check: check.__name__)
    def test_laws(check, tmp_path):
        check(lambda: MyStore(tmp_path / "states"))

Each check is given `open_store`, which opens *the same* place again at each call where the store is durable (an empty
one at first), and raises AssertionError where the law does not hold.
"""

from collections.abc import Callable, Iterator

from mien.core.ids import UserRow
from mien.core.ports import ProfileStore

OpenStore = Callable[[], ProfileStore]


def _states(*users: int) -> list[tuple[UserRow, bytes]]:
    return [(UserRow(user), f"state of {user}".encode()) for user in users]


def check_empty(open_store: OpenStore) -> None:
    """A new store has no state and stands at offset 0."""
    store = open_store()
    assert len(store) == 0
    assert list(store.users()) == []
    assert store.offset() == 0
    assert store.read(UserRow(1)) is None
    assert store.read_many([UserRow(1), UserRow(2)]) == {}
    store.close()


def check_reads_what_was_written(open_store: OpenStore) -> None:
    """Any bytes come back as they were, and a second write replaces the first."""
    store = open_store()
    every_byte = bytes(range(256)) * 40
    store.write([(UserRow(0), b""), (UserRow(7), every_byte)])
    assert store.read(UserRow(0)) == b""
    assert store.read(UserRow(7)) == every_byte
    store.write([(UserRow(7), b"newer")])
    assert store.read(UserRow(7)) == b"newer"
    assert len(store) == 2
    store.close()


def check_users_ascend(open_store: OpenStore) -> None:
    """Users come ascending, whatever the order of writing; reading many leaves out those without a state."""
    store = open_store()
    store.write(_states(30, 2, 10))
    assert list(store.users()) == [2, 10, 30]
    assert store.read_many([UserRow(30), UserRow(3), UserRow(2)]) == dict(_states(30, 2))
    many = range(100, 1300)
    store.write(_states(*many))
    assert len(store.read_many([UserRow(user) for user in many])) == len(many)
    store.close()


def check_offset_goes_with_states(open_store: OpenStore) -> None:
    """The offset changes only with a write that names one."""
    store = open_store()
    store.write(_states(1), offset=5)
    assert store.offset() == 5
    store.write(_states(2))
    assert store.offset() == 5
    store.write([], offset=9)
    assert store.offset() == 9
    store.close()


def check_all_or_nothing(open_store: OpenStore) -> None:
    """A write that fails midway leaves states and offset as they were."""
    store = open_store()
    store.write(_states(1, 2), offset=3)

    def breaks() -> Iterator[tuple[UserRow, bytes]]:
        yield UserRow(1), b"half"
        yield UserRow(5), b"half"
        raise KeyError("the source broke")

    try:
        store.write(breaks(), offset=4)
    except KeyError:
        pass
    else:
        raise AssertionError("the failure of the source was swallowed")
    assert store.read_many([UserRow(1), UserRow(2), UserRow(5)]) == dict(_states(1, 2))
    assert store.offset() == 3
    store.write(_states(6), offset=7)
    assert store.offset() == 7
    store.close()


def check_delete_leaves_others(open_store: OpenStore) -> None:
    """Deleting forgets those users, unknown ones among them, and nobody else; the offset stays."""
    store = open_store()
    store.write(_states(1, 2, 3), offset=8)
    store.delete([UserRow(2), UserRow(99)])
    assert list(store.users()) == [1, 3]
    assert store.read(UserRow(2)) is None
    assert store.read_many([UserRow(1), UserRow(3)]) == dict(_states(1, 3))
    assert store.offset() == 8
    store.close()


def check_clear(open_store: OpenStore) -> None:
    """Clearing forgets every state and the offset."""
    store = open_store()
    store.write(_states(1, 2), offset=8)
    store.clear()
    assert len(store) == 0
    assert store.offset() == 0
    store.close()


STORE_CHECKS: tuple[Callable[[OpenStore], None], ...] = (
    check_empty,
    check_reads_what_was_written,
    check_users_ascend,
    check_offset_goes_with_states,
    check_all_or_nothing,
    check_delete_leaves_others,
    check_clear,
)


def check_durable(open_store: OpenStore) -> None:
    """What was written is there when the place is opened again. For stores that outlive the process only."""
    store = open_store()
    store.write(_states(1, 2), offset=8)
    store.delete([UserRow(1)])
    store.close()
    again = open_store()
    assert dict(again.read_many([UserRow(1), UserRow(2)])) == dict(_states(2))
    assert again.offset() == 8
    again.close()
