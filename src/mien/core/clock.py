"""Time: aware UTC outside, integer microseconds inside, days and hours in the shop's time zone."""

from bisect import bisect_right
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from mien.core.errors import UsageError

SECOND_US = 1_000_000
HOUR_US = 3_600 * SECOND_US
DAY_US = 24 * HOUR_US
WEEK_US = 7 * DAY_US

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def to_us(at: datetime) -> int:
    """µs since 1970-01-01 UTC of an aware time; a naive one is a `UsageError`, never a guess."""
    if at.tzinfo is None:
        raise UsageError("The time {at} has no zone. Give one, as in {written}+00:00.", at=at, written=at.isoformat())
    since = at - EPOCH
    return (since.days * 86_400 + since.seconds) * SECOND_US + since.microseconds


def from_us(at_us: int) -> datetime:
    """The aware UTC time of `at_us`."""
    return EPOCH + timedelta(microseconds=int(at_us))


def parse_time(text: str, zone: str = "UTC") -> datetime:
    """An ISO 8601 date or time as aware UTC; one without an offset is read in `zone`."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError("“{text}” is not a time. Write it as 2017-12-04 or 2017-12-04T09:30:00Z.", text=text) from None
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC if zone == "UTC" else load_zone(zone))
    return at if at.tzinfo is UTC else at.astimezone(UTC)


def end_of_day(day: str, zone: str) -> datetime:
    """The last second of a day in a zone, which may have 23 or 25 hours, as aware UTC."""
    last = parse_time(day, zone).astimezone(load_zone(zone)) + timedelta(days=1) - timedelta(seconds=1)
    return last.astimezone(UTC)


def load_zone(name: str) -> ZoneInfo:
    """The time zone of an IANA name (`Asia/Shanghai`), or a `UsageError`."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise UsageError(
            "“{name}” is not a time zone. Use an IANA name such as Asia/Shanghai or UTC.", name=name
        ) from None


@dataclass(frozen=True, slots=True)
class ZoneShifts:
    """A zone as plain numbers, so that every engine computes the same local day and hour.

    `starts_us[k]` (ascending) is when `offsets_us[k]` begins to hold; before the first one the first holds.
    """

    starts_us: tuple[int, ...]
    offsets_us: tuple[int, ...]

    def local_us(self, at_us: int) -> int:
        """µs of the wall clock at `at_us`. Cost: one bisection."""
        return at_us + self.offsets_us[max(0, bisect_right(self.starts_us, at_us) - 1)]

    def day(self, at_us: int) -> int:
        """Days since 1970-01-01 of the local date."""
        return self.local_us(at_us) // DAY_US

    def hour(self, at_us: int) -> int:
        """Local hour, 0 … 23."""
        return self.local_us(at_us) // HOUR_US % 24

    def weekday(self, at_us: int) -> int:
        """Local weekday, Monday = 0 … Sunday = 6 (1970-01-01 was a Thursday)."""
        return (self.day(at_us) + 3) % 7


@lru_cache(maxsize=64)
def zone_shifts(name: str, first_year: int = 1970, last_year: int = 2100) -> ZoneShifts:
    """Every change of offset of the zone in the span of years. Cost: some ms, once per zone."""
    zone = load_zone(name)

    def offset_us(at_us: int) -> int:
        offset = from_us(at_us).astimezone(zone).utcoffset()
        return 0 if offset is None else offset // timedelta(microseconds=1)

    at = to_us(datetime(first_year, 1, 1, tzinfo=UTC))
    end = to_us(datetime(last_year, 1, 1, tzinfo=UTC))
    starts, offsets = [at], [offset_us(at)]
    while at < end:
        after = at + WEEK_US
        if offset_us(after) != offsets[-1]:
            low, high = at, after
            while high - low > SECOND_US:
                middle = (low + high) // 2 // SECOND_US * SECOND_US
                low, high = (middle, high) if offset_us(middle) == offsets[-1] else (low, middle)
            starts.append(high)
            offsets.append(offset_us(high))
        at = after
    return ZoneShifts(tuple(starts), tuple(offsets))
