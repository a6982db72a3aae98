"""What everybody gives: totals, shares, price bands, quintiles; by hand, and as a file."""

from pathlib import Path

import ibis
import numpy as np
import pyarrow as pa
import pytest
from feature_events import START_US, folded, log_table, some_events
from msgspec.structs import replace

from mien.core.clock import DAY_US
from mien.core.errors import WorkspaceError
from mien.core.event import ACTION_CODE, ACTIONS, Action, LoggedEvent
from mien.core.ids import ItemRow, UserRow
from mien.core.item import Catalogue, Facet
from mien.core.tables import ITEMS
from mien.features.engine import connect
from mien.features.population import Population, RfmEdges, facet_shares, facets, fit_population, is_outdated
from mien.features.prices import PriceBands, fit_price_bands, price_band_facet
from mien.features.state import FoldSettings
from mien.features.transitions import transitions
from mien.features.weights import DEFAULT_WEIGHTS, ActionWeights

RULES = FoldSettings()


def catalogue(items: list[dict[str, object]]) -> Catalogue:
    rows = [
        {"item_id": str(k), "valid_from": 0, "title": f"item {k}", "available": True, **item}
        for k, item in enumerate(items)
    ]
    table = pa.Table.from_pylist(rows, schema=ITEMS)
    return Catalogue.of(table, np.arange(len(rows), dtype=np.int32), len(rows), 0)


def fitted(events: list[LoggedEvent], items: Catalogue, **more: object) -> Population:
    con = connect(threads=2, memory="1GB")
    judged = con.create_table("judged", ibis.memtable(log_table(events)), temp=True)
    at_us = max(event.at_us for event in events)
    return fit_population(judged, items, as_of_us=at_us, settings=RULES, **more)


def act(user: int, k: int, action: Action, item: int, **more: float) -> LoggedEvent:
    return LoggedEvent(UserRow(user), f"{user}-{k}", action, START_US, ItemRow(item), **more)


@pytest.fixture(scope="module")
def world() -> tuple[list[LoggedEvent], Catalogue, Population]:
    events = some_events(400, 5)
    items = catalogue([{"category": f"c{k % 3}", "price": 1.0 + k} for k in range(40)])
    return events, items, fitted(events, items, judgement={"bounds": [1, 2]})


def test_totals_are_the_sum_of_the_states(world) -> None:
    events, _, population = world
    states = folded(events, RULES)
    assert population.users == len(states)
    assert population.events == len(events)
    assert population.actions.tolist() == [sum(e.action == action for e in events) for action in ACTIONS]
    expected = np.zeros((len(ACTIONS), len(ACTIONS)), dtype=int)
    for state in states.values():
        for pair, n in transitions(state).items():
            expected[pair] += n
    assert population.transitions.tolist() == expected.tolist()
    totals = population.totals
    for k in range(0, len(totals.item), 9):
        key = (int(totals.item[k]), int(totals.action[k]))
        rows = [state.tallies[key] for state in states.values() if key in state.tallies]
        assert (totals.n[k], totals.users[k]) == (sum(row.n for row in rows), len(rows))
        assert totals.slow[k] == pytest.approx(sum(row.slow for row in rows), rel=1e-9)
        assert totals.value[k] == pytest.approx(sum(row.value for row in rows), rel=1e-9)


def test_shares_by_hand() -> None:
    """Red: a purchase, 8; blue: a view and a cart, 5, and a purchase taken back, 8 − 8; green: nobody."""
    acts = [(Action.PURCHASE, 0), (Action.VIEW, 1), (Action.CART, 1), (Action.PURCHASE, 1), (Action.REFUND, 1)]
    events = [act(0, k, action, item) for k, (action, item) in enumerate(acts)]
    population = fitted(events, catalogue([{}, {}, {}]))
    colour = Facet("colour", 0, ("blue", "green", "red"), np.array([2, 0, 1], dtype=np.int32))
    shares = facet_shares(colour, population, DEFAULT_WEIGHTS)
    assert shares == pytest.approx([0.99 * 5 / 13 + 0.01 / 3, 0.01 / 3, 0.99 * 8 / 13 + 0.01 / 3])
    assert shares.sum() == pytest.approx(1.0)
    nothing = ActionWeights(view=0, cart=0, purchase=0, refund=0)
    assert facet_shares(colour, population, nothing) == pytest.approx([1 / 3] * 3)


def test_price_bands_are_quintiles_of_the_kind() -> None:
    """Dear for a mug is cheap for a sofa; a kind with few prices is judged by all of them."""
    mugs = [{"category": "Mugs/Big", "price": 2.0**k} for k in range(25)]
    sofas = [{"category": "Sofas", "price": 1000.0 * 2**k} for k in range(25)]
    few = [{"category": "Lamps", "price": 5.0}, {"category": "Lamps"}, {"price": 1e9}]
    items = catalogue([*mugs, *sofas, *few])
    bands = fit_price_bands(items.price, items)
    assert sorted(bands.by_category) == ["Mugs", "Sofas"]
    facet = price_band_facet(items.price, items, bands)
    assert facet.values == ("1", "2", "3", "4", "5")
    assert np.bincount(facet.codes[:25]).tolist() == [5] * 5
    assert np.bincount(facet.codes[25:50]).tolist() == [5] * 5
    assert facet.codes[50:].tolist() == [0, -1, 4]


def test_a_price_nobody_states_is_what_was_paid() -> None:
    events = [act(0, k, Action.PURCHASE, k, value=2.0 * (k + 1), quantity=2.0) for k in range(5)]
    population = fitted(events, items := catalogue([{"category": "a"} for _ in range(6)]))
    band = facets(items, population)[-1]
    assert (band.name, band.codes.tolist()) == ("price_band", [0, 1, 2, 3, 4, -1])
    unpriced = fitted([act(0, 0, Action.VIEW, 0)], items)
    assert unpriced.price_bands == PriceBands((), {})
    assert [facet.name for facet in facets(items, unpriced)] == ["category"]
    assert unpriced.rfm is None


def test_rfm_scores_by_hand() -> None:
    edges = RfmEdges(recency_days=(1, 2, 3, 4), orders=(1, 2, 3, 4), money=(10, 20, 30, 40))
    assert edges.score(0.5, 5, 99) == "5-5-5"
    assert edges.score(2.0, 2, 15) == "4-3-2"
    assert edges.score(9, 0, 0) == "1-1-1"


def test_quintiles_come_from_buyers_only() -> None:
    events = [
        LoggedEvent(UserRow(u), f"{u}-{k}", Action.PURCHASE, START_US + u * DAY_US + k, ItemRow(0), value=10.0)
        for u in range(5)
        for k in range(u + 1)
    ]
    events += [act(99, 0, Action.VIEW, 0)]
    population = fitted(events, catalogue([{}]))
    assert population.rfm is not None
    assert population.rfm.orders == pytest.approx((1.8, 2.6, 3.4, 4.2))
    assert population.rfm.money == pytest.approx((18, 26, 34, 42))
    assert population.rfm.score(0.0, 5, 50.0) == "5-5-5"


def test_saving_is_the_identity(world, tmp_path: Path) -> None:
    _, items, population = world
    path = tmp_path / "deep" / "population.npz"
    population.save(path)
    again = Population.load(path)
    for name in ("version", "as_of_us", "settings", "users", "judgement", "price_bands", "rfm"):
        assert getattr(again, name) == getattr(population, name)
    for name in population.totals.__slots__:
        assert (getattr(again.totals, name) == getattr(population.totals, name)).all()
    assert (again.transitions == population.transitions).all()
    assert [f.codes.tolist() for f in facets(items, again)] == [f.codes.tolist() for f in facets(items, population)]
    assert [p.name for p in path.parent.iterdir()] == ["population.npz"]


def test_the_version_names_the_content(world) -> None:
    events, items, population = world
    assert population.version.startswith("p-2024") or population.version.startswith("p-2023")
    assert fitted(list(reversed(events)), items, judgement={"bounds": [1, 2]}).version == population.version
    assert fitted(events, items).version != population.version
    assert fitted([*events[:-1], replace(events[-1], value=0.5)], items).version != fitted(events, items).version


@pytest.mark.parametrize("damage", ["missing", "cut", "text"])
def test_a_damaged_file_is_a_clear_error(world, tmp_path: Path, damage: str) -> None:
    path = tmp_path / "population.npz"
    world[2].save(path)
    whole = path.read_bytes()
    path.unlink()
    if damage != "missing":
        path.write_bytes(whole[:200] if damage == "cut" else b"hello")
    with pytest.raises(WorkspaceError, match="Build again"):
        Population.load(path)


def test_when_to_fit_anew(world) -> None:
    population = world[2]
    assert not is_outdated(population, events=400, at_us=population.as_of_us)
    assert is_outdated(population, events=481, at_us=population.as_of_us)
    assert is_outdated(population, events=400, at_us=population.as_of_us + 8 * DAY_US)


def test_weights_follow_the_codes() -> None:
    assert DEFAULT_WEIGHTS.array[ACTION_CODE[Action.PURCHASE]] == 8.0
    assert DEFAULT_WEIGHTS.array[ACTION_CODE[Action.UNCART]] == -4.0
    assert len(DEFAULT_WEIGHTS.array) == len(ACTIONS)
