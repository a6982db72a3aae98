"""What the server tells Prometheus: requests, messages, how far folding is behind, and how much is stored."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram, disable_created_metrics, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from mien.core.errors import TransientError
from mien.live import Live
from mien.shop import Shop

SEVERAL: Final = "PROMETHEUS_MULTIPROC_DIR"
"""The environment variable by which several workers share their counts, through files in that folder."""
BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
EVENTS: Final = "events"
"""In the fates of a batch: not a fate, but how many events its messages became."""
UNKNOWN: Final = "unknown"


disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series for each: when this process began


class Metrics:
    """The counts of one application. `live`: its live half, once it runs."""

    def __init__(self, shop: Shop, live: Callable[[], Live | None]) -> None:
        self.registry = CollectorRegistry()
        self._seconds = Histogram(
            "mien_http_requests_seconds",
            "Seconds until a request was answered, by route and status.",
            ("route", "status"),
            buckets=BUCKETS,
            registry=self.registry,
        )
        self._messages = Counter("mien_messages", "Messages by what became of them.", ("fate",), registry=self.registry)
        self._events = Counter("mien_events", "Events that were kept durably.", registry=self.registry)
        self._state = _State(shop, live)
        self.registry.register(self._state)
        self._known: dict[tuple[str | None, int], Histogram] = {}

    def answered(self, entry: str | None, status: int, seconds: float) -> None:
        """Count an answer. `entry`: of the table of access, so that there are as many series as routes. Cost: 2 µs."""
        known = self._known.get((entry, status))
        if known is None:
            known = self._known[entry, status] = self._seconds.labels(entry or UNKNOWN, str(status))
        known.observe(seconds)

    def kept(self, fates: Mapping[str, int]) -> None:
        """Count what became of a batch."""
        for fate, n in fates.items():
            if fate == EVENTS:
                self._events.inc(n)
            else:
                self._messages.labels(fate).inc(n)

    def page(self) -> bytes:
        """All of it as Prometheus reads it; of all workers where there are several."""
        if SEVERAL not in os.environ:
            return generate_latest(self.registry)
        together = CollectorRegistry()
        MultiProcessCollector(together)  # type: ignore[no-untyped-call]  # it registers itself
        together.register(self._state)
        return generate_latest(together)


class _State(Collector):
    """What is looked up when it is asked for. Cost: one pass over the names of the workspace's files."""

    def __init__(self, shop: Shop, live: Callable[[], Live | None]) -> None:
        self.shop, self.live = shop, live

    def describe(self) -> list[Metric]:
        return []  # nothing is looked up when this is registered

    def collect(self) -> Iterator[Metric]:
        shop, live = self.shop, self.live()
        stock, build = shop.stock, shop.workspace.build()
        numbers = {
            "mien_users": ("Users that are known.", len(stock.catalog.users)),
            "mien_items": ("Items that are known.", len(stock.catalog.items)),
            "mien_fold_lag_seconds": (
                "For how long this worker's folding has been behind.",
                live.behind_s() if live else 0,
            ),
            "mien_messages_waiting": ("Messages of this worker that wait for the disk.", live.queued if live else 0),
            "mien_build_timestamp_seconds": (
                "Up to when the last build reaches.",
                build.as_of_us / 1e6 if build else 0,
            ),
        }
        with suppress(TransientError):  # a store that is away; the rest is told all the same
            unfolded = max(0, stock.tail.end() - max(1, stock.states.offset()))
            numbers["mien_unfolded_events"] = ("Events in the log that no profile has yet.", unfolded)
        for name, (meaning, value) in numbers.items():
            yield GaugeMetricFamily(name, meaning, value=float(value))
        sizes = GaugeMetricFamily("mien_store_bytes", "Bytes on disk, by part of the workspace.", labels=["part"])
        for part, size in sizes_of(shop.workspace.folder).items():
            sizes.add_metric([part], size)
        yield sizes


def sizes_of(folder: Path) -> dict[str, int]:
    """Bytes by file and folder of a workspace; what SQLite puts beside a file counts with it."""
    found: dict[str, int] = {}
    for place, _, names in os.walk(folder):
        inside = Path(place).relative_to(folder).parts
        for name in names:
            if name.startswith("."):
                continue  # locks and probes
            part = inside[0] if inside else name.removesuffix("-wal").removesuffix("-shm")
            try:
                found[part] = found.get(part, 0) + os.stat(os.path.join(place, name)).st_size
            except FileNotFoundError:
                continue  # it was replaced meanwhile
    return dict(sorted(found.items()))
