"""A server that may be slow or away: its failures become one kind of error, soon, and it is not asked in vain."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from mien.core.errors import MienError, TransientError

PAUSE_S = 0.5
"""For how long a server that failed is not asked again: whoever comes meanwhile is answered at once."""


def plain_name(url: str) -> str:
    """The URL without user, password and options, for messages; what is no URL as it is."""
    parts = urlsplit(url)
    place = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{place}{parts.path}" if parts.scheme else url


class Reach:
    """Whether one server can be reached. Any thread may ask.

    `failures`: the exceptions of its client library; `terminal`: the error that one of them is for good, None where it
    is worth trying again.
    """

    def __init__(
        self,
        name: str,
        failures: type[Exception] | tuple[type[Exception], ...],
        terminal: Callable[[Exception], MienError | None],
    ) -> None:
        self.name, self._failures, self._terminal = name, failures, terminal
        self._away_until, self._why = 0.0, ""

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Ask the server inside the block. Raises `TransientError` where it does not answer, or did not just now."""
        if time.monotonic() < self._away_until:
            raise self._away()
        try:
            yield
        except self._failures as failed:
            terminal = self._terminal(failed)
            if terminal is not None:
                raise terminal from None
            self._why = (str(failed).strip() or type(failed).__name__).splitlines()[0]
            self._away_until = time.monotonic() + PAUSE_S
            raise self._away() from None

    def _away(self) -> TransientError:
        return TransientError(
            "{name} does not answer as it should ({why}). Try again when it is back.", name=self.name, why=self._why
        )
