"""States as bytes: column-wise, small, quick to read.

One block holds every number of the state as 8-byte words, column after column, byte-transposed, so that the many equal
high bytes lie side by side; texts follow as MessagePack; zstd squeezes both. What can be derived is left out: the
decayed sums of a tally of one event follow from its time. The first byte says which of two kinds this is: a whole
state, or an older whole one with a journal of the few events since, which is much cheaper to write while an event is
folded at a time.
"""

import threading
from array import array
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import zstandard

from mien.core.errors import WorkspaceError
from mien.core.event import ACTION_CODE, ACTIONS, LoggedEvent
from mien.core.ids import UserRow
from mien.features.columns import Days, Orders, Tallies
from mien.features.decay import weights
from mien.features.fold import add
from mien.features.state import FoldSettings, Moment, Prefix, State, Written, settings_of

WHOLE, JOURNAL = b"\x01", b"\x02"
"""First bytes. Another layout takes new ones."""
LEVEL = 1
"""Of zstd: higher ones gain a few percent on these blocks and take several times as long."""
HEAD = 39
"""Words before the columns: 8 numbers, 24 hours, 7 weekdays."""

Words = npt.NDArray[np.int64]


class Texts(msgspec.Struct, array_like=True):
    """What of a state is no column of numbers. `settings` None: the defaults; `newest`: one a tally, in their order."""

    settings: tuple[Any, ...] | None
    last: Moment | None
    queries: list[Written]
    texts: list[Written]
    recent: list[Moment]
    newest: list[str]


class _Tools(threading.local):
    """What encodes and decodes, one set a thread: zstd contexts must not be shared."""

    def __init__(self) -> None:
        self.pack = msgspec.msgpack.Encoder()
        self.unpack = msgspec.msgpack.Decoder()
        self.texts = msgspec.msgpack.Decoder(Texts)
        self.squeeze = zstandard.ZstdCompressor(level=LEVEL, write_checksum=False)
        self.stretch = zstandard.ZstdDecompressor()


_tools = _Tools()
_DEFAULT = FoldSettings()


def encode(state: State) -> bytes:
    """The state as bytes; `decode` gives an equal one. Cost: tens of µs, 100 µs for 600 events."""
    tallies, days, orders, prefix = state.tallies, state.days, state.orders, state.prefix
    sizes = (len(tallies), len(days), len(orders))
    numbers = (state.events, state.first_us, state.last_us, int(state.stale), *sizes, prefix.sessions)
    head = array("q", (*numbers, *state.hours, *state.weekdays))
    pairs = array("q", [number for (a, b), n in prefix.transitions.items() for number in (a, b, n)])
    columns = (head, *tallies.columns, *days.columns, *orders.columns, pairs)
    words = np.frombuffer(bytearray().join(columns), dtype=np.int64)
    parts = settings_parts(state.settings)
    leave_out(*_parts(words)[::2], state.first_us)
    return seal(words, Texts(parts, prefix.last, state.queries, state.texts, state.recent, tallies.newest))


def settings_parts(settings: FoldSettings) -> tuple[Any, ...] | None:
    """The settings as plain values in the order of their fields; None for the defaults."""
    return None if settings == _DEFAULT else tuple(getattr(settings, name) for name in settings.__slots__)


def leave_out(tallies: Words, orders: Words, first_us: int | Words, of_order: int | Words | None = None) -> None:
    """Take out of the words (9, n) of tallies and (3, n) of orders what follows from the rest, in place.

    `first_us`: of the state, or of that of each tally and, in `of_order`, of each order.
    """
    tallies[3:5, tallies[2] == 1] = 0
    tallies[7] -= tallies[8]
    tallies[8] -= first_us
    orders[0] -= first_us if of_order is None else of_order


def seal(words: Words, texts: Texts) -> bytes:
    """Bytes of a state's words, laid out as `encode` does and without what is to be left out, and of its texts."""
    planes = np.ascontiguousarray(words.view(np.uint8).reshape(-1, 8).T)
    body = b"".join((len(words).to_bytes(4, "little"), planes.data, _tools.pack.encode(texts)))
    return WHOLE + _tools.squeeze.compress(body)


def _parts(words: Words) -> tuple[Words, Words, Words, Words]:
    """Views of the words: tallies (9, n), days (5, n), orders (3, n), transitions (3·n)."""
    n_tallies, n_days, n_orders = words[4:7].tolist()
    days = HEAD + 9 * n_tallies
    orders = days + 5 * n_days
    pairs = orders + 3 * n_orders
    return (
        words[HEAD:days].reshape(9, n_tallies),
        words[days:orders].reshape(5, n_days),
        words[orders:pairs].reshape(3, n_orders),
        words[pairs:],
    )


def entry(event: LoggedEvent) -> msgspec.Raw:
    """An event as a journal holds it."""
    e = event
    said = (e.event_id, ACTION_CODE[e.action], e.at_us, e.item, e.value, e.quantity, e.query, e.text)
    return msgspec.Raw(_tools.pack.encode(said))


def with_journal(base: bytes, entries: list[msgspec.Raw]) -> bytes:
    """Bytes of the state of `base` (whole) with the events of these entries folded in, in their order. Cost: a µs."""
    return b"".join((JOURNAL, len(base).to_bytes(4, "little"), base, _tools.pack.encode(entries)))


def decode(data: bytes) -> State:
    """The state that was encoded. Cost: tens of µs. Raises `WorkspaceError` for another format."""
    if data[:1] == JOURNAL:
        end = 5 + int.from_bytes(data[1:5], "little")
        state = _decode_whole(data[5:end])
        for event_id, action, *rest in _tools.unpack.decode(memoryview(data)[end:]):
            add(state, LoggedEvent(UserRow(-1), event_id, ACTIONS[action], *rest))
        return state
    return _decode_whole(data)


def _decode_whole(data: bytes) -> State:
    if data[:1] != WHOLE:
        raise WorkspaceError(
            "A state begins with {data!r}, which this Mien cannot read. Build again: mien build", data=data[:1]
        )
    body = _tools.stretch.decompress(data[1:])
    end = 4 + 8 * int.from_bytes(body[:4], "little")
    planes = np.frombuffer(body, dtype=np.uint8, count=end - 4, offset=4).reshape(8, -1)
    words = np.ascontiguousarray(planes.T).reshape(-1).view(np.int64)
    texts = _tools.texts.decode(memoryview(body)[end:])
    settings = _DEFAULT if texts.settings is None else settings_of(*texts.settings)
    tallies, days, orders, pairs = _parts(words)
    _restore(int(words[1]), settings, tallies, orders)
    events, first_us, last_us, stale, _, _, _, sessions, *rhythm = words[:HEAD].tolist()
    triples = iter(pairs.tolist())
    return State(
        settings,
        events,
        first_us,
        last_us,
        Tallies.of(tallies, texts.newest),
        Days.of(days),
        rhythm[:24],
        rhythm[24:],
        Orders.of(orders),
        texts.queries,
        texts.texts,
        texts.recent,
        Prefix({(a, b): n for a, b, n in zip(triples, triples, triples, strict=True)}, sessions, texts.last),
        bool(stale),
    )


def _restore(first_us: int, settings: FoldSettings, tallies: Words, orders: Words) -> None:
    """Undo what `seal` left out."""
    tallies[8] += first_us
    orders[0] += first_us
    tallies[7] += tallies[8]
    single, sums = tallies[2] == 1, tallies[3:5].view(np.float64)
    for row, half_life_days in zip(sums, (settings.fast_days, settings.slow_days), strict=True):
        np.copyto(row, weights(tallies[8], half_life_days), where=single)
