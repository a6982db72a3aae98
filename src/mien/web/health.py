"""Whether questions can be answered and messages be kept: what a load balancer asks before it sends any."""

import os
import shutil
import time
from collections.abc import Callable, Iterator
from typing import Final

from mien.core.errors import TransientError
from mien.core.phrase import Phrase
from mien.live import Live
from mien.shop import Shop

STUCK_S: Final = 60.0
"""Seconds that folding may be behind before the server counts as stuck."""
LEAST_BYTES: Final = 64 * 1024 * 1024
"""Free disk below which nothing more should be sent here."""
PROBE: Final = ".ready"
PROBE_S: Final = 1.0


class NotServing(TransientError):
    """The server should be sent nothing at present. Fact: `reasons`, a sentence each."""

    code = "not_ready"

    def __init__(self, reasons: list[Phrase]) -> None:
        self.reasons = reasons
        super().__init__("{reasons: }", reasons=reasons)


class Health:
    """Looks at one shop and its live half. Cost of a look: one small durable write, at most each second."""

    def __init__(self, shop: Shop, live: Callable[[], Live | None]) -> None:
        self.shop, self.live = shop, live
        self._wrote_s = float("-inf")

    def ready(self) -> dict[str, str]:
        """What is served, and models past their day. Raises `NotServing` with every reason against it."""
        build = self.shop.workspace.build()
        reasons = list(self._reasons())
        if build is None:
            reasons.insert(0, Phrase("Nothing is built yet. Run: mien build"))
        if build is None or reasons:
            raise NotServing(reasons)
        told = {"status": "ready", "as_of": build.as_of.isoformat(), "population": build.population}
        late = self.shop.retraining()["overdue"]
        return told | ({"to_retrain": ", ".join(late)} if late else {})

    def _reasons(self) -> Iterator[Phrase]:
        folder = self.shop.workspace.folder
        try:
            self._write()
        except OSError as failed:
            yield Phrase(
                "{folder} cannot be written to ({why}). Free some space, or mend its rights.",
                folder=folder,
                why=failed.strerror,
            )
        else:
            free = shutil.disk_usage(folder).free
            if free < LEAST_BYTES:
                yield Phrase("{folder} has {free} MB of free space. Free some.", folder=folder, free=free >> 20)
        live = self.live()
        if live is not None and (behind_s := live.behind_s()) > STUCK_S:
            yield Phrase(
                "Profiles have been behind the log for {behind_s:.0f} s. The server's log says why.", behind_s=behind_s
            )

    def _write(self) -> None:
        """Write a file through to the disk, and take it away again; not for everybody who asks."""
        if time.monotonic() - self._wrote_s < PROBE_S:
            return
        path = self.shop.workspace.folder / f"{PROBE}.{os.getpid()}"
        handle = os.open(path, os.O_CREAT | os.O_WRONLY, 0o600)
        try:
            os.write(handle, b"ready")
            os.fsync(handle)
        finally:
            os.close(handle)
            path.unlink(missing_ok=True)
        self._wrote_s = time.monotonic()
