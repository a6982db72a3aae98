"""The day that a person's page looks back to ends when the shop's day does."""

from datetime import datetime

import pytest

pytest.importorskip("nicegui", reason="the pages need the extra `console`")

from mien.core.clock import load_zone
from mien.web.console.user import end_of

NEW_YORK = "America/New_York"


@pytest.mark.parametrize("day", ["2026-03-08", "2026-11-01", "2026-06-01"])
def test_a_day_ends_before_the_next_begins_however_long_it_is(day: str) -> None:
    end = end_of(day, NEW_YORK).astimezone(load_zone(NEW_YORK))
    assert end.strftime("%Y-%m-%d %H:%M:%S") == f"{day} 23:59:59"
    assert end == datetime.fromisoformat(f"{day}T23:59:59").replace(tzinfo=load_zone(NEW_YORK))
