"""How long the crowd of a shop is kept: until something changes, not for ever, and never past a consent or a day."""

import pytest

from mien.core.clock import DAY_US
from mien.shop import Shop, crowding
from mien.shop import open as open_shop
from mien.shop.crowding import PATIENCE, STILL_S, Crowds
from mien.shop.stock import Stock
from mien.testing.world import World


class Clock:
    """Seconds that pass when told to. Making a crowd takes `cost` of them; `made`: how often that was done."""

    def __init__(self) -> None:
        self.at, self.cost, self.made = 0.0, 2.0, 0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock, gathered = Clock(), crowding.gathered

    def slowly(*given):  # type: ignore[no-untyped-def]
        clock.at, clock.made = clock.at + clock.cost, clock.made + 1
        return gathered(*given)

    monkeypatch.setattr(crowding, "gathered", slowly)
    return clock


def test_an_unchanged_shop_is_not_read_again(built: Shop, clock: Clock) -> None:
    crowds, (serving, at_us) = Crowds(built.stock, clock), built._now()
    first = crowds.now(serving, at_us)
    clock.at += STILL_S - 1
    assert crowds.now(serving, at_us) is first
    clock.at += 2
    assert crowds.now(serving, at_us) is not first
    assert clock.made == 2
    crowds.now(serving, at_us + DAY_US)
    assert clock.made == 3, "windows begin with a day"


@pytest.mark.parametrize("cost", [2.0, 80.0, 1000.0])
def test_a_changing_shop_is_read_for_a_part_of_the_time(
    built: Shop, clock: Clock, monkeypatch: pytest.MonkeyPatch, cost: float
) -> None:
    clock.cost = cost
    crowds, (serving, at_us) = Crowds(built.stock, clock), built._now()
    first = crowds.now(serving, at_us)
    monkeypatch.setattr(Stock, "version", lambda _: (-1, -1, -1))  # somebody's profile has changed
    clock.at += min(PATIENCE * cost, STILL_S) - 0.5
    assert crowds.now(serving, at_us) is first
    clock.at += 1
    assert crowds.now(serving, at_us) is not first
    assert clock.made == 2


def test_a_consent_is_heard_at_once(fresh: Shop, toy: World, clock: Clock) -> None:
    crowds, (serving, at_us) = Crowds(fresh.stock, clock), fresh._now()
    before = crowds.now(serving, at_us)
    fresh.consent(toy.user_ids[0], {"marketing": False})
    after = crowds.now(serving, at_us)
    assert int(before.allowed.sum()) - int(after.allowed.sum()) == 1


def test_who_is_erased_by_another_process_is_gone_at_once(fresh: Shop, toy: World, clock: Clock) -> None:
    crowds, (serving, at_us) = Crowds(fresh.stock, clock), fresh._now()
    before = crowds.now(serving, at_us)
    with open_shop(fresh.workspace.folder, clock=fresh.clock) as other:
        other.erase(toy.user_ids[0])
    after = crowds.now(serving, at_us)
    assert len(before) - len(after) == 1
    assert None not in fresh.stock.catalog.users.keys(after.rows.tolist())
