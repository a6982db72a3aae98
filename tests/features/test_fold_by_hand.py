"""Six rows whose every number can be checked on paper, and the small rules of the fold one by one."""

from math import isclose

import pytest
from feature_events import START_US, folded, settings, tabled

from mien.core.clock import DAY_US, HOUR_US, SECOND_US, parse_time, to_us
from mien.core.errors import UsageError, WorkspaceError
from mien.core.event import ACTION_CODE, Action, LoggedEvent
from mien.core.ids import ItemRow, UserRow
from mien.features.codec import decode, encode
from mien.features.columns import Tally
from mien.features.decay import LANDMARK_US, decayed, weight
from mien.features.fold import fold, merge, refold
from mien.features.state import FoldSettings, Moment
from mien.features.transitions import last_action, order_gap_days, sessions, transitions
from mien.features.weights import DEFAULT_WEIGHTS
from mien.features.windows import windows

VIEW, BUY = ACTION_CODE[Action.VIEW], ACTION_CODE[Action.PURCHASE]
T1, T2, T3 = (to_us(parse_time(f"2024-05-01T{hour}:00:00Z")) for hour in ("10", "11", "12"))
CLOTHES, SHOES, BOOK, RADIO = map(ItemRow, range(4))


def six_rows() -> list[LoggedEvent]:
    """User 0 views clothes (199), shoes (299), buys the clothes; 1 views a book (59) and a radio (119), buys that."""
    rows = []
    for user, first, second, bought, prices in (
        (0, CLOTHES, SHOES, CLOTHES, (199.0, 299.0, 199.0)),
        (1, BOOK, RADIO, RADIO, (59.0, 119.0, 119.0)),
    ):
        acts = ((Action.VIEW, first, T1), (Action.VIEW, second, T2), (Action.PURCHASE, bought, T3))
        for k, (action, item, at_us) in enumerate(acts):
            rows.append(LoggedEvent(UserRow(user), f"u{user}e{k}", action, at_us, item, value=prices[k]))
    return rows


@pytest.mark.parametrize("engine", [folded, tabled])
def test_six_rows_by_hand(engine) -> None:
    rules = FoldSettings()  # half-lives of 14 and 90 days
    state = engine(six_rows(), rules)[0]
    assert (state.events, state.first_us, state.last_us) == (3, T1, T3)
    assert dict(state.tallies) == {
        (CLOTHES, VIEW): Tally(1, weight(T1, 14), weight(T1, 90), 1.0, 199.0, T1, T1, "u0e0"),
        (SHOES, VIEW): Tally(1, weight(T2, 14), weight(T2, 90), 1.0, 299.0, T2, T2, "u0e1"),
        (CLOTHES, BUY): Tally(1, weight(T3, 14), weight(T3, 90), 1.0, 199.0, T3, T3, "u0e2"),
    }
    day = 19844  # 2024-05-01: 54 years of 365 days, 13 leap days, 31 + 29 + 31 + 30 days
    assert dict(state.days) == {(day, VIEW): (2, 2.0, 498.0), (day, BUY): (1, 1.0, 199.0)}
    assert [hour for hour, n in enumerate(state.hours) if n] == [10, 11, 12]
    assert state.weekdays == [0, 0, 3, 0, 0, 0, 0]  # a Wednesday
    assert dict(state.orders) == {T3: (1, 199.0)}
    assert transitions(state) == {(VIEW, VIEW): 1, (VIEW, BUY): 1}  # view→view 1/2, view→purchase 1/2
    assert last_action(state) == BUY
    assert sessions(state) == 3  # an hour apart each
    counts = {"7d": 1, "30d": 1, "90d": 1, "all": 1}
    assert windows(state, T3) == {"view": dict.fromkeys(counts, 2), "purchase": counts}
    assert windows(state, T3 + 7 * DAY_US)["purchase"] == {"7d": 0, "30d": 1, "90d": 1, "all": 1}
    assert order_gap_days(state) is None


def test_six_rows_weigh_what_the_weights_say() -> None:
    """At T3: clothes 8·1 + 1·2^(−2 h/90 d), shoes 1·2^(−1 h/90 d)."""
    tallies = refold([row for row in six_rows() if row.user == 0], FoldSettings()).arrays()
    liking = DEFAULT_WEIGHTS.array[tallies.action] * decayed(tallies.slow, T3, 90)
    clothes, shoes = (float(liking[tallies.item == item].sum()) for item in (CLOTHES, SHOES))
    assert isclose(clothes, 8 + 2 ** (-2 / 24 / 90), rel_tol=1e-12)
    assert isclose(shoes, 2 ** (-1 / 24 / 90), rel_tol=1e-12)
    assert (tallies.n == 1).all()
    assert sorted(tallies.newest) == ["u0e0", "u0e1", "u0e2"]


def test_decay_halves_at_the_half_life() -> None:
    assert weight(LANDMARK_US, 14) == 1.0
    assert weight(LANDMARK_US + 14 * DAY_US, 14) == pytest.approx(2.0, rel=1e-15)
    total = weight(START_US, 90) + weight(START_US + 90 * DAY_US, 90)
    assert decayed(total, START_US + 90 * DAY_US, 90) == pytest.approx(1.5, rel=1e-12)
    assert decayed(total, START_US + 180 * DAY_US, 90) == pytest.approx(0.75, rel=1e-12)
    for year in ("1900", "2999"):  # far times neither overflow nor vanish
        at_us = to_us(parse_time(f"{year}-01-01"))
        assert decayed(weight(at_us, 7), at_us, 7) == pytest.approx(1.0)


def act(k: int, at_us: int, action: Action = Action.VIEW, **more: object) -> LoggedEvent:
    return LoggedEvent(UserRow(0), f"e{k:03d}", action, at_us, **more)


def test_a_session_ends_after_half_an_hour_of_rest() -> None:
    gap = 1800 * SECOND_US
    state = refold([act(0, 0), act(1, gap - 1), act(2, 2 * gap - 1), act(3, 2 * gap)], FoldSettings())
    assert sessions(state) == 2


def test_impressions_are_counted_but_break_no_order() -> None:
    shown = [act(0, 0), act(1, 1, Action.IMPRESSION), act(2, 2, Action.PURCHASE)]
    state = refold(shown, FoldSettings())
    assert transitions(state) == {(VIEW, BUY): 1}
    assert state.events == 3
    assert sum(state.hours) == sum(state.weekdays) == 2
    assert state.tallies[-1, ACTION_CODE[Action.IMPRESSION]].n == 1


def test_lines_of_one_instant_are_one_order() -> None:
    state = refold(
        [
            act(0, 0, Action.PURCHASE, value=2.0),
            act(1, 0, Action.PURCHASE, value=3.0),
            act(2, 3 * DAY_US, Action.PURCHASE),
        ],
        FoldSettings(),
    )
    assert dict(state.orders) == {0: (2, 5.0), 3 * DAY_US: (1, 0.0)}
    assert order_gap_days(state) == 3.0


def test_what_leaves_the_recent_events_is_summed_up_and_a_late_one_is_noticed() -> None:
    rules = settings(recent=2)
    views = [act(k, k * HOUR_US) for k in range(5)]
    state = refold(views, rules)
    assert [moment.event_id for moment in state.recent] == ["e003", "e004"]
    assert state.prefix.last == Moment(2 * HOUR_US, "e002", VIEW, -1)
    assert (state.prefix.transitions, state.prefix.sessions) == ({(VIEW, VIEW): 2}, 3)
    assert transitions(state) == {(VIEW, VIEW): 4}
    assert not fold(state, [act(9, 2 * HOUR_US + 1)], rules).stale  # after the prefix: it still finds its place
    late = fold(state, [act(9, HOUR_US)], rules)
    assert late.stale
    assert late.events == 6
    assert not state.stale  # fold leaves what it is given alone


def test_only_the_newest_words_are_kept_and_cut() -> None:
    state = refold(
        [act(k, k, Action.SEARCH, query=f"{k}-连衣裙红色") for k in range(5)], settings(queries=3, text_length=4)
    )
    assert [written.text for written in state.queries] == ["2-连衣", "3-连衣", "4-连衣"]


def test_hours_follow_summer_time() -> None:
    before, after = (to_us(parse_time(text)) for text in ("2023-03-26T00:30:00Z", "2023-03-26T01:30:00Z"))
    state = refold([act(0, before), act(1, after)], settings("Europe/London"))
    assert [hour for hour, n in enumerate(state.hours) if n] == [0, 2]  # one o'clock never was
    shanghai = refold([act(0, to_us(parse_time("2023-01-01T17:00:00Z")))], settings("Asia/Shanghai"))
    assert shanghai.hours[1] == shanghai.weekdays[0] == 1  # Monday, one in the morning


def test_states_of_other_rules_cannot_be_added_up() -> None:
    state = refold([act(0, 0)], settings())
    with pytest.raises(UsageError, match="other settings"):
        fold(state, [act(1, 1)], settings("Asia/Shanghai"))
    with pytest.raises(UsageError, match="other settings"):
        merge(state, refold([act(1, 1)], settings("Asia/Shanghai")))
    with pytest.raises(UsageError, match="7 days or more"):
        FoldSettings(fast_days=1.0)
    with pytest.raises(UsageError, match="time zone"):
        FoldSettings(zone="Mars/Olympus")


def test_bytes_of_another_format_are_refused() -> None:
    data = encode(refold(six_rows()[:3], FoldSettings()))
    assert decode(data).events == 3
    with pytest.raises(WorkspaceError, match="Build again"):
        decode(b"\x09" + data[1:])
