"""Token buckets: how often somebody may ask, on average and at once. Pure; the moment is an argument."""

from dataclasses import dataclass, field

MOST = 100_000
"""Askers remembered at once; those whose bucket is full again are forgotten first."""


@dataclass(slots=True)
class Buckets:
    """One bucket an asker, each filled with `rate` tokens a second up to `burst`. `rate` 0: no limit.

    A bucket is one number: when it will be full again. A full one need not be remembered.
    """

    rate: float
    burst: float
    _full_s: dict[str, float] = field(default_factory=dict)

    def take(self, asker: str, now_s: float) -> float:
        """Take one token; 0, or in how many seconds there will be one again."""
        if not self.rate:
            return 0.0
        wait_s = self.wait_s(asker, now_s)
        if not wait_s:
            if len(self._full_s) >= MOST and asker not in self._full_s:
                self._forget(now_s)
            self._full_s[asker] = max(now_s, self._full_s.get(asker, now_s)) + 1 / self.rate
        return wait_s

    def wait_s(self, asker: str, now_s: float) -> float:
        """In how many seconds there is a token; 0: now. Takes none."""
        if not self.rate:
            return 0.0
        full_s = max(now_s, self._full_s.get(asker, now_s)) + 1 / self.rate
        return max(0.0, full_s - now_s - max(self.burst, 1.0) / self.rate)

    def _forget(self, now_s: float) -> None:
        """Make room: drop full buckets; where there are none, all, so that strangers cannot fill the memory."""
        self._full_s = {asker: full_s for asker, full_s in self._full_s.items() if full_s > now_s}
        if len(self._full_s) >= MOST:
            self._full_s.clear()
