"""Time: zones as numbers agree with the zone database, and bad times are sentences."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.core.clock import end_of_day, from_us, load_zone, parse_time, to_us, zone_shifts
from mien.core.errors import UsageError

ZONES = ["UTC", "Asia/Shanghai", "Europe/London", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"]
TIMES = st.datetimes(datetime(1975, 1, 1), datetime(2037, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 (aware by its zone)


@given(st.sampled_from(ZONES), TIMES)
def test_local_days_hours_and_weekdays(zone: str, at: datetime) -> None:
    local, shifts, at_us = at.astimezone(load_zone(zone)), zone_shifts(zone), to_us(at)
    assert shifts.hour(at_us) == local.hour
    assert shifts.weekday(at_us) == local.weekday()
    assert shifts.day(at_us) == (local.date() - datetime(1970, 1, 1, tzinfo=UTC).date()).days


@given(TIMES)
def test_microseconds_there_and_back(at: datetime) -> None:
    assert from_us(to_us(at)) == at


def test_written_times() -> None:
    assert parse_time("2017-12-04", "Asia/Shanghai") == datetime(2017, 12, 3, 16, tzinfo=UTC)
    assert parse_time("2017-12-04T09:30:00Z", "Asia/Shanghai") == datetime(2017, 12, 4, 9, 30, tzinfo=UTC)
    for call in (lambda: parse_time("soon"), lambda: load_zone("Mars/Base"), lambda: to_us(datetime(2020, 1, 1))):  # noqa: DTZ001
        with pytest.raises(UsageError):
            call()


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("day", ["2026-03-08", "2026-11-01", "2030-12-31"])
def test_a_day_ends_before_the_next_begins_however_long_it_is(zone: str, day: str) -> None:
    last = end_of_day(day, zone).astimezone(load_zone(zone))
    assert f"{last:%Y-%m-%d %H:%M:%S}" == f"{day} 23:59:59"
