"""The whole way: sources in, profiles and answers out; history, identities, forgetting."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from msgspec.structs import replace

from mien.core.clock import to_us
from mien.core.errors import NotReady, UnknownName, UsageError, WorkspaceError
from mien.core.ids import UserRow
from mien.features.codec import decode
from mien.features.fold import refold
from mien.features.state import State
from mien.live import Live
from mien.prepare.judgement import Judgement
from mien.shop import Shop, create
from mien.shop import open as open_shop
from mien.shop.reports import report_page
from mien.stores.history import History
from mien.testing.world import World, events_table


def states(shop: Shop) -> dict[str, State]:
    """Every stored state by user id."""
    users = list(shop.stock.states.users())
    found = shop.stock.states.read_many(users)
    return {shop.stock.catalog.users.key(user) or "": decode(found[user]) for user in users}


def assert_same(one: State, other: State) -> None:
    """Counts exact, sums to 1e-9."""
    assert (one.events, one.first_us, one.last_us) == (other.events, other.first_us, other.last_us)
    assert (one.days, one.hours, one.weekdays, one.recent) == (other.days, other.hours, other.weekdays, other.recent)
    assert one.tallies.keys() == other.tallies.keys()
    for key, tally in one.tallies.items():
        assert (tally.n, tally.newest) == (other.tallies[key].n, other.tallies[key].newest)
        assert tally.slow == pytest.approx(other.tallies[key].slow, rel=1e-9)


def test_six_rows_become_a_profile(tmp_path: Path, six_rows_file: Path) -> None:
    with create(tmp_path / "shop") as shop:
        report = shop.ingest(events=str(six_rows_file))
        assert (report.arrivals.read, report.arrivals.new, report.items) == (6, 6, 4)
        shop.build()
        profile = shop.profile("1").to_dict()
        assert profile["activity"]["counts"]["view"]["all"] == 2
        assert profile["activity"]["counts"]["purchase"] == {"7d": 1, "30d": 1, "90d": 1, "all": 1}
        assert profile["behaviour"]["purchase_rate"] == pytest.approx(1 / 3, abs=1e-6)
        categories = [tag["value"] for tag in profile["tags"] if tag["facet"] == "category"]
        assert categories == ["服装", "鞋类"]
        assert profile["tags"][0]["weight"] == pytest.approx(9 / 10, abs=1e-4)  # view 1 + purchase 8, of 10
        assert [t.value for t in shop.profile("2").tags if t.facet == "category"] == ["电子", "图书"]
        near = {result.item_id for result in shop.similar("101", k=1).results}
        assert near == {"102"}


def test_a_shop_that_knows_nothing_of_its_items_answers(tmp_path: Path) -> None:
    """Events alone, no item with a name or a category: there are no tags, and everything else is there."""
    at = datetime(2026, 1, 1, tzinfo=UTC)
    rows = [
        {"user_id": f"u{user}", "item_id": f"i{item}", "action": "purchase", "at": at}
        for user in range(6)
        for item in range(user % 2, 6, 2)
    ]
    with create(tmp_path / "shop", clock=lambda: at + timedelta(days=1)) as shop:
        shop.ingest(events=pa.Table.from_pylist(rows))
        assert shop.build().bare == 6
        assert shop.profile("u1").tags == ()
        assert shop.profile("u1").to_dict()["events"] == 3
        assert {one.item_id for one in shop.similar("i1").results[:2]} == {"i3", "i5"}
        assert {one.item_id for one in shop.recommend("u1", k=3).results} <= {f"i{k}" for k in range(6)}
        assert [one.title for one in shop.search("i4").results] == ["i4"]
        assert shop.explain("u1", "i3")
        assert shop.segments.preview("count.purchase.all >= 3").size == 6
        assert "u1" in report_page(shop, "u1")
        shop.ingest(items=pa.Table.from_pylist([{"item_id": "i1", "title": "mug"}, {"item_id": "i3", "title": "cup"}]))
        assert shop.build().bare == 0
        assert {one.item_id for one in shop.recommend("u1", k=6).results} <= {"i1", "i3"}
        assert shop.build().bare == 0


def test_the_same_source_twice_changes_nothing(fresh: Shop, toy: World) -> None:
    before = states(fresh)
    again = fresh.ingest(events=toy.event_table, items=toy.items)
    assert (again.arrivals.new, again.arrivals.duplicates) == (0, len(toy.events))
    assert again.items == 0
    report = fresh.build()
    assert (report.folded, report.refitted) == (0, False)
    for user, state in states(fresh).items():
        assert_same(state, before[user])


def test_a_build_folds_only_users_with_new_events(tmp_path: Path, toy: World) -> None:
    last = max(toy.events, key=lambda event: event.at)
    with (
        create(tmp_path / "parts", clock=lambda: toy.at) as parts,
        create(tmp_path / "all", clock=lambda: toy.at) as whole,
    ):
        parts.ingest(events=events_table([event for event in toy.events if event != last]), items=toy.items)
        parts.build()
        parts.ingest(events=events_table([last]))
        report = parts.build()
        assert (report.folded, report.refitted) == (1, False)
        whole.ingest(events=toy.event_table, items=toy.items)
        whole.build()
        ours, theirs = states(parts), states(whole)
        assert ours.keys() == theirs.keys()
        for user in ours:
            assert_same(ours[user], theirs[user])


def test_batch_equals_the_live_fold(fresh: Shop, toy: World) -> None:
    for user, state in states(fresh).items():
        row = fresh.stock.catalog.users.row(user)
        assert row is not None
        serving = fresh._served(None)
        events = fresh.stock.events([row], None, serving.judgement)
        assert_same(state, refold(events, fresh.settings.fold))


def test_as_of_knows_nothing_later(fresh: Shop, toy: World) -> None:
    user = toy.events[0].user_id
    times = sorted(event.at for event in toy.events if event.user_id == user)
    middle = times[len(times) // 2]
    then = fresh.profile(user, as_of=middle)
    assert then.events == sum(at <= middle for at in times)
    assert then.activity is not None
    assert then.activity.last_seen <= middle
    assert all(tag.last_seen <= middle for tag in then.tags)
    assert fresh.profile(user).events == len(times)


def test_a_build_as_of_a_time_and_back(fresh: Shop, toy: World) -> None:
    user = toy.events[0].user_id
    now = fresh.profile(user).to_dict()
    times = sorted(event.at for event in toy.events)
    middle = times[len(times) // 2]
    report = fresh.build(as_of=middle)
    assert report.build.as_of == middle
    assert fresh.profile(user).events == sum(e.at <= middle for e in toy.events if e.user_id == user)
    fresh.build()
    assert fresh.profile(user).to_dict() == now
    with pytest.raises(UsageError, match="Nothing had happened yet"):
        fresh.build(as_of=datetime(1999, 1, 1, tzinfo=UTC))


def test_asking_with_and_without_the_person(built: Shop, toy: World) -> None:
    user = toy.events[0].user_id
    personal = built.recommend(user, k=5)
    assert personal.personalised
    for answer in (personal, built.search("coffee", user=user)):
        for result in answer.results:
            assert sum(reason.contribution for reason in result.reasons) == pytest.approx(result.score, abs=1e-6)
    plain = built.search("coffee", user=user, personalise=False)
    anonymous = built.search("coffee")
    unknown = built.search("coffee", user="nobody at all")
    assert plain.results == anonymous.results == unknown.results
    assert not plain.personalised
    assert unknown.notes


def test_stitch_and_split_round_trip(fresh: Shop, toy: World) -> None:
    one, two = toy.user_ids[:2]
    before = states(fresh)
    fresh.stitch(two, into=one)
    merged = fresh.profile(one)
    assert merged.events == before[one].events + before[two].events
    assert merged.identity is not None
    assert set(merged.identity.user_ids) == {one, two}
    assert fresh.profile(two).events == merged.events
    fresh.split(two)
    after = states(fresh)
    for user in before:
        assert_same(after[user], before[user])


def test_a_stitched_person_stays_one_over_builds(fresh: Shop, toy: World) -> None:
    one, two = toy.user_ids[:2]
    fresh.stitch(two, into=one)
    events = fresh.profile(one).events
    later = replace(toy.events[0], user_id=two, event_id="later", at=toy.at + timedelta(hours=1))
    fresh.clock = lambda: toy.at + timedelta(hours=2)
    fresh.ingest(events=events_table([later]))
    fresh.build()
    assert fresh.profile(one).events == events + 1


def test_erased_users_are_gone_and_the_others_as_they_were(fresh: Shop, toy: World) -> None:
    fresh.train()
    gone, *others = toy.user_ids
    before = states(fresh)
    told = fresh.export(gone)
    assert len(told["events"]) == sum(event.user_id == gone for event in toy.events)
    assert [event["item_id"] for event in told["events"] if "item_id" in event]
    assert fresh.erase(gone)["events"] == len(told["events"])
    with pytest.raises(UnknownName):
        fresh.profile(gone)
    for user in others:
        assert_same(states(fresh)[user], before[user])
    again = fresh.ingest(events=toy.event_table)
    assert (again.arrivals.new, again.arrivals.erased) == (0, len(told["events"]))
    fresh.build()
    assert gone not in states(fresh)
    fresh.close()
    ids = [gone.encode(), *(event.event_id.encode() for event in toy.events if event.user_id == gone)]
    for path in fresh.workspace.folder.rglob("*"):
        if path.is_file() and path.suffix != ".toml":
            content = path.read_bytes()
            assert not [one for one in ids if one in content], path


def test_profiles_are_written_as_parquet(fresh: Shop, toy: World, tmp_path: Path) -> None:
    fresh.segments.save("buyers", "count.purchase.all >= 1")
    assert fresh.profiles(tmp_path / "profiles.parquet") == len(toy.user_ids)
    table = pq.read_table(tmp_path / "profiles.parquet")
    assert set(table["user_id"].to_pylist()) == set(toy.user_ids)
    first = table.to_pylist()[0]
    assert json.loads(first["profile"]) == fresh.profile(first["user_id"]).to_dict()
    assert any(json.loads(row["profile"]).get("segments") == ["buyers"] for row in table.to_pylist())


def test_the_honest_table(built: Shop) -> None:
    table = built.evaluate(models=("item-neighbours",))
    assert [row["model"] for row in table["models"]] == ["popular", "repeat", "frequency", "item-neighbours"]
    figure = table["models"][1]["ndcg@10"]
    assert figure["low"] <= figure["mean"] <= figure["high"]
    assert {"facet", "auroc", "f1", "baseline_auroc"} <= table["profile"][0].keys()


def test_recipes_are_checked(fresh: Shop, tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.toml"
    recipe.write_text("[models.repeat]\nhalf_life_days = 30.0\n")
    assert [one["model"] for one in fresh.train(recipe)["models"]] == ["repeat"]
    recipe.write_text("[models.repat]\n")
    with pytest.raises(UnknownName, match="repeat"):
        fresh.train(recipe)
    recipe.write_text("[models.repeat]\nhalf_live_days = 30.0\n")
    with pytest.raises(UnknownName, match="half_life_days"):
        fresh.train(recipe)


def test_traits_that_a_file_does_not_name_stay(fresh: Shop, toy: World) -> None:
    """A second file, and a column beside events, add to what is known of a user; an equal file changes nothing."""
    user = toy.user_ids[0]
    told = {"user_id": user, "age": "35-44", "club": "gold"}
    assert fresh.ingest(users=pa.Table.from_pylist([told])).users == 1
    assert fresh.ingest(users=pa.Table.from_pylist([{"user_id": user, "age": "45-54"}])).users == 1
    assert fresh.ingest(users=pa.Table.from_pylist([{"user_id": user, "age": "45-54"}])).users == 0
    row = fresh.stock.catalog.users.row(user)
    assert row is not None
    assert fresh.stock.catalog.traits(row) == {"age": "45-54", "club": "gold"}
    bought = {"user_id": user, "item_id": toy.item_ids[0], "action": "view", "at": toy.at, "gender": "f"}
    fresh.ingest(events=pa.Table.from_pylist([bought]))
    assert fresh.stock.catalog.traits(row) == {"age": "45-54", "club": "gold", "gender": "f"}
    with Live(fresh) as live:
        for k, traits in enumerate(({"club": "silver"}, {"city": "Basel"})):
            fresh.ingest(users=pa.Table.from_pylist([told]))
            live.track(json.dumps({"messageId": f"m{k}", "userId": user, "traits": traits}).encode(), kind="identify")
            assert fresh.stock.catalog.traits(row)["club"] == ("silver" if k == 0 else "gold")


def test_dead_letters_are_read_again_with_todays_mapping(tmp_path: Path) -> None:
    source = tmp_path / "events.csv"
    source.write_text(
        "user_id,action,item_id,time\n"
        + "".join(f"u{k},view,i{k},2026-03-01T10:00:{k:02d}Z\n" for k in range(20))
        + "u1,beguckt,i1,2026-03-02T10:00:00Z\nu2,,i1,not a time\n"
    )
    with create(tmp_path / "shop") as shop:
        report = shop.ingest(events=str(source))
        assert report.arrivals.read == 22
        assert sum(report.arrivals.rejected.values()) == 2
        assert shop.dead_letters()["total"] == 2
        shop.ingest(events=str(source))
        assert shop.dead_letters()["total"] == 2
        (mapping,) = shop.workspace.mappings.glob("*.toml")
        text = mapping.read_text()
        words = "[actions]\n" if "[actions]" not in text else ""
        mapping.write_text(
            text.replace("[actions]\n", '[actions]\n"beguckt" = "view"\n')
            if not words
            else f'{text}\n{words}"beguckt" = "view"\n'
        )
        found = shop.replay()
        assert (found["replayed"], found["accepted"], found["total"]) == (2, 1, 1)
        assert len(shop.stock.history) == 21


def test_what_is_not_there_is_said(tmp_path: Path, built: Shop) -> None:
    with pytest.raises(WorkspaceError, match="mien init"):
        open_shop(tmp_path)
    with create(tmp_path / "empty") as shop:
        with pytest.raises(NotReady, match="mien ingest"):
            shop.build()
        with pytest.raises(NotReady, match="mien build"):
            shop.profile("u1")
        with pytest.raises(UsageError, match="at least one source"):
            shop.ingest()
    with pytest.raises(UsageError, match="already"):
        create(tmp_path / "empty")
    with pytest.raises(UnknownName, match="nobody at all") as unknown:
        built.profile("nobody at all")
    assert unknown.value.nearest == []  # whoever asks learns of no other user
    with pytest.raises(UnknownName):
        built.similar("no such item")
    with pytest.raises(UnknownName, match="facet"):
        built.search("coffee", filters={"colur": ("red",)})


def test_one_writer_at_a_time(fresh: Shop, toy: World) -> None:
    with fresh.workspace.writing(), pytest.raises(WorkspaceError, match="Another process"):
        fresh.ingest(events=toy.event_table)


def test_frames_are_sources(tmp_path: Path) -> None:
    pd, pl = pytest.importorskip("pandas"), pytest.importorskip("polars")
    columns = {"user_id": ["a", "b"], "action": ["view", "purchase"], "item_id": ["x", "y"]}
    times = [datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 2, tzinfo=UTC)]
    with create(tmp_path / "shop") as shop:
        assert shop.ingest(events=pd.DataFrame(columns | {"at": times})).arrivals.new == 2
        assert shop.ingest(events=pl.DataFrame(columns | {"at": times})).arrivals.new == 0
        assert shop.ingest(events=pa.table(columns | {"at": times})).arrivals.new == 0


def test_a_future_event_does_not_move_the_present(fresh: Shop, toy: World) -> None:
    future = replace(toy.events[0], event_id="future", at=datetime(2090, 1, 1, tzinfo=UTC))
    fresh.ingest(events=events_table([future]))
    report = fresh.build()
    assert report.build.as_of < toy.at + timedelta(days=2)
    assert isinstance(fresh._served(None).judgement, Judgement)
    assert to_us(report.build.as_of) == report.build.as_of_us
    state = fresh.stock.state(UserRow(0), report.build.as_of_us, fresh._served(None).judgement)
    assert state is not None
    assert state.last_us <= report.build.as_of_us


def test_a_question_is_answered_in_the_language_it_is_asked_in(built: Shop, toy: World) -> None:
    """The words change, the scores do not; without a language it is the shop's."""
    user, item = toy.user_ids[0], toy.item_ids[0]
    english, chinese = (
        [
            built.search("coffee", user=user, language=language),
            built.recommend(user, language=language),
            built.similar(item, language=language),
            built.explain(user, item, language=language),
        ]
        for language in (None, "zh")
    )
    for one, other in zip(english, chinese, strict=True):
        assert [(r.item_id, r.score) for r in one.results] == [(r.item_id, r.score) for r in other.results]
        texts = [reason.text for result in other.results for reason in result.reasons]
        assert "每件商品的起点" in texts
        assert texts != [reason.text for result in one.results for reason in result.reasons]
    assert built.profile(user, language="zh").summary != built.profile(user).summary
    assert built.profile(user, language="en").summary == built.profile(user).summary


def test_a_profile_reads_the_log_only_for_models_that_look_at_events(
    built: Shop, toy: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = built.profile(toy.user_ids[0])
    monkeypatch.setattr(History, "events_of", lambda *_: pytest.fail("the log was read"))
    assert built.profile(toy.user_ids[0]) == expected
