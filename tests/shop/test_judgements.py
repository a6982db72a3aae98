"""A shop that owns judgements: what is learnt of some queries holds for others; what cannot be used is said first."""

import csv
import itertools
from datetime import timedelta

import pyarrow as pa
import pytest

from mien.cli import main
from mien.core.errors import SourceError, UsageError
from mien.core.event import Action, Event
from mien.ranking.judged import LEAST
from mien.ranking.ranker import Ranker
from mien.shop import create
from mien.shop.judgements import read_judgements
from mien.shop.ranker import FEWEST, RANKER
from mien.testing.world import events_table, items_table

pytest.importorskip("lightgbm", reason="needs the extra models")

GOODS = ("mug", "hose", "lamp", "drill", "faucet", "rug", "chair", "ladder")
COLOURS = ("red", "blue", "green", "white")
LEARNT, ASKED = GOODS[:6], GOODS[6:]
RECIPE = "ranker = true\n"


def goods():
    """Of each colour and good the good itself in a long title, and a short title that holds both words apart."""
    items = []
    for colour, good in itertools.product(COLOURS, GOODS):
        items.append({"item_id": f"{colour}-{good}", "title": f"Acme deluxe indoor {colour} {good} made by hand"})
        items.append({"item_id": f"not-{colour}-{good}", "title": f"{good} box, {colour}"})
    return items_table(items)


def write(path, rows, head=("query", "item_id", "relevance")):
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([head, *rows])
    return path


def judged(goods=LEARNT):
    for colour, good in itertools.product(COLOURS, goods):
        yield f"{colour} {good}", f"{colour}-{good}", 3
        yield f"{colour} {good}", f"not-{colour}-{good}", 1


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("judged")
    (folder / "recipe.toml").write_text(RECIPE)
    write(folder / "judged.csv", judged())
    return folder


@pytest.fixture(scope="module")
def shop(folder, toy):
    """The toy shop with these goods, before and after it learnt from judgements."""
    with create(folder / "shop", clock=lambda: toy.at) as shop:
        shop.ingest(events=toy.event_table, items=pa.concat_tables([toy.items, goods()]))
        shop.build()
        shop.before = {f"{colour} {good}": shop.search(f"{colour} {good}", k=4) for colour in COLOURS for good in ASKED}
        shop.trained = shop.train(folder / "recipe.toml", judgements=folder / "judged.csv")
        yield shop


def first(answer):
    return answer.results[0].item_id


def test_what_was_judged_of_some_queries_holds_for_others(shop):
    for text, before in shop.before.items():
        assert first(before).startswith("not-")
        assert first(shop.search(text, k=4)) == text.replace(" ", "-")


def test_base_and_reasons_are_the_score_in_both_languages(shop):
    for language, words in (("en", "of the 2 words"), ("zh", "搜索的 2 个词")):
        for user in (None, "ann"):
            for result in shop.search("red chair", user=user, k=20, language=language).results:
                assert sum(one.contribution for one in result.reasons) == pytest.approx(result.score, abs=1e-9)
        told = {one.kind: one.text for one in shop.search("red chair", k=1, language=language).results[0].reasons}
        assert words in told["words"]


def test_a_lower_tier_stays_below_and_a_visitor_is_answered_alike(shop):
    found = shop.search("red chair", k=50).results
    tiers = [sum(one.contribution for one in result.reasons if one.kind == "tier") for result in found]
    assert tiers == sorted(tiers, reverse=True)
    declined = shop.search("red chair", user="ann", personalise=False, k=50).results
    assert [(one.item_id, one.score) for one in declined] == [(one.item_id, one.score) for one in found]


def test_an_exact_title_stays_first(shop):
    assert first(shop.search("chair box, red", k=3)) == "not-red-chair"


def test_what_the_person_likes_keeps_its_weight(shop):
    """Judges taught how texts are read, and nothing else: repeat and popularity are what is set."""
    (result,) = [one for one in shop.search("coffee beans", user="ann", k=9).results if one.item_id == "bean-dark"]
    by_hand = shop.search("coffee beans", user="ann", k=9, weights={"text": 1.0}).results
    (before,) = [one for one in by_hand if one.item_id == "bean-dark"]
    for kind in ("repeat", "popular", "seen", "neighbour"):
        values = [[one.contribution for one in each.reasons if one.kind == kind] for each in (result, before)]
        assert values[0] == values[1] != []


def test_an_item_put_now_is_read_as_closely(shop):
    shop.put_items([{"item_id": "new", "title": "Acme deluxe indoor silver chair made by hand"}])
    shop.put_items([{"item_id": "box", "title": "chair box, silver"}])
    assert [one.item_id for one in shop.search("silver chair", k=2).results] == ["new", "box"]


def test_it_is_explained(shop):
    (result,) = shop.explain(None, "red-rug", query="red rug").results
    assert result.rank == 1
    assert "words" in {one.kind for one in result.reasons}


def test_training_says_what_it_learnt_from(shop, folder, tmp_path):
    assert "ranker: learnt from 24 judged queries" in shop.trained["notes"]
    strange = write(tmp_path / "more.csv", [*judged(), ("red rug", "nothing", 2)])
    found = read_judgements(strange, shop.stock.catalogue(shop.stock.reach_us(shop.workspace.build())))
    assert (found.pairs, found.unknown, len(found.asked)) == (49, 1, 24)


def test_titles_name_items_too(shop, tmp_path):
    catalogue = shop.stock.catalogue(shop.stock.reach_us(shop.workspace.build()))
    titles = dict(zip(catalogue.item_id, catalogue.title, strict=True))
    by_title = write(
        tmp_path / "titles.csv",
        [(query, titles[item].upper(), grade) for query, item, grade in judged()],
        ("query", "title", "relevance"),
    )
    by_id = read_judgements(write(tmp_path / "ids.csv", judged()), catalogue)
    for one, other in zip(read_judgements(by_title, catalogue).asked, by_id.asked, strict=True):
        assert (one.text, one.rows.tolist()) == (other.text, other.rows.tolist())
        assert one.labels.tolist() == other.labels.tolist()
        assert sorted(one.labels.tolist()) == [0, 2]


def test_the_workspaces_own_file_is_read_and_none_changes_nothing(fresh, tmp_path):
    """Without judgements nothing is learnt from them; with a file of its own the shop needs no flag."""
    (tmp_path / "recipe.toml").write_text(RECIPE)
    before = fresh.search("coffee", k=20).results
    fresh.train(tmp_path / "recipe.toml")
    assert not (fresh.workspace.models / RANKER).exists()
    assert fresh.search("coffee", k=20).results == before
    rows = [(f"{word} {k}", item, grade) for k in range(LEAST) for word, item, grade in COFFEE]
    write(fresh.workspace.folder / "judgements.csv", rows)
    notes = fresh.train(tmp_path / "recipe.toml")["notes"]
    assert f"ranker: learnt from {LEAST} judged queries" in notes
    assert (fresh.workspace.models / RANKER).exists()


COFFEE = (("coffee", "bean-light", 1), ("coffee", "filters", 0))


@pytest.mark.parametrize(
    ("rows", "head", "said"),
    [
        (judged(("mug",)), ("query", "item_id", "relevance"), f"4 queries .* {LEAST} are needed"),
        ([(q, f"x{i}", r) for q, i, r in judged()], ("query", "item_id", "relevance"), r"\(48 of 48 pairs name items"),
        (judged(), ("query", "item_id", "grade"), "no column relevance"),
        ([(q, i, 1) for q, i, _ in judged()], ("query", "item_id", "relevance"), "Every pair has the relevance 1"),
    ],
)
def test_what_cannot_be_used_is_said_before_anything_is_trained(shop, folder, tmp_path, rows, head, said):
    with pytest.raises(SourceError, match=said):
        shop.train(folder / "recipe.toml", judgements=write(tmp_path / "wrong.csv", rows, head))


def test_a_recipe_without_a_ranker_learns_from_nothing(shop, folder, tmp_path):
    (tmp_path / "recipe.toml").write_text("[models.popular]\n")
    with pytest.raises(UsageError, match="ranker = true"):
        shop.train(tmp_path / "recipe.toml", judgements=folder / "judged.csv")


def test_the_command_fails_with_one_sentence(fresh, tmp_path, monkeypatch, capsys):
    folder = str(fresh.workspace.folder)
    monkeypatch.setattr("sys.argv", ["mien", "train", "-w", folder, "--judgements", str(tmp_path / "none.csv")])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    assert "none.csv" in capsys.readouterr().err


def test_what_people_did_and_what_they_judged_teach_one_ranker(tmp_path, toy):
    """People click on what stands in a short title; judges find the good itself. Both are in one set of tables."""
    start, events = toy.at - timedelta(days=9), []
    for k in range(FEWEST + 10):
        colour, good = COLOURS[k % 4], LEARNT[k // 4 % 6]
        for place, item in enumerate((f"not-{colour}-{good}", f"{colour}-{good}"), start=1):
            more = {"query": f"{colour} {good}", "impression_id": f"i{k}", "properties": f'{{"position": {place}}}'}
            at = start + timedelta(minutes=k)
            events.append(Event(f"s{k}-{place}", "live", "ann", Action.IMPRESSION, at, item, **more))
        events.append(Event(f"c{k}", "live", "ann", Action.CLICK, at, f"not-{colour}-{good}", impression_id=f"i{k}"))
    (tmp_path / "recipe.toml").write_text(RECIPE)
    with create(tmp_path / "shop", clock=lambda: toy.at) as shop:
        shop.ingest(events=toy.event_table, items=pa.concat_tables([toy.items, goods()]))
        shop.ingest(events=events_table(events))
        shop.build()
        file = write(tmp_path / "judged.csv", judged())
        notes = shop.train(tmp_path / "recipe.toml", judgements=file)["notes"]
        assert f"ranker: learnt from {FEWEST + 10} questions and 24 judged queries" in notes
        ranker = Ranker.load(shop.workspace.models / RANKER)
        assert {"popular", "words.pairs", "text"} <= set(ranker.anyone.columns)
        assert ranker.close
        for result in shop.search("red rug", user="ann", k=9).results:
            assert sum(one.contribution for one in result.reasons) == pytest.approx(result.score, abs=1e-9)
