"""Consents: the newest word counts whatever the order of arrival, every change of mind is kept, repeats cost no row."""

import sqlite3
from collections.abc import Iterator
from itertools import permutations
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mien.core.consent import PURPOSES, Word
from mien.core.tracked import Tracked
from mien.core.user import User
from mien.stores.catalog import Catalog
from mien.stores.consents import SCHEMA, Consents
from mien.stores.tail import Tail

HALF_AN_HOUR_US = 1_800_000_000

WORDS = st.lists(
    st.builds(Word, st.sampled_from(PURPOSES[:2]), st.booleans(), st.integers(1, 6), st.sampled_from(["web", "app"])),
    max_size=8,
)


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    catalog = Catalog(tmp_path / "catalog.sqlite")
    yield catalog
    catalog.close()


def consents() -> Consents:
    db = sqlite3.connect(":memory:")
    db.executescript(SCHEMA)
    return Consents(db, otherwise=True)


def newest(words: list[Word]) -> dict[str, bool]:
    """By the definition: the latest instant, and of one instant the refusal."""
    found = {}
    for purpose in {word.purpose for word in words}:
        last = max(word.at_us for word in words if word.purpose == purpose)
        found[purpose] = all(word.given for word in words if word.purpose == purpose and word.at_us == last)
    return found


@given(WORDS)
def test_the_newest_word_counts(words: list[Word]) -> None:
    kept = consents()
    kept.record(0, words)
    assert kept.of(0) == newest(words) == kept.everybody().get(0, {})


def test_any_order_of_arrival() -> None:
    words = [Word("marketing", given, at, "web") for given, at in ((True, 1), (False, 2), (False, 3), (True, 4))]
    for order in permutations(words):
        kept = consents()
        kept.record(0, order)
        assert kept.of(0) == {"marketing": True}


def test_repeats_cost_no_row_and_changes_are_kept() -> None:
    kept = consents()
    for at in range(1, 100):
        kept.record(0, [Word("Advertising", at < 50, at, "web")])
    assert kept.history(0) == [Word("marketing", True, 1, "web", 49), Word("marketing", False, 50, "web", 99)]


def test_a_file_read_again_does_not_outvote_a_later_refusal(catalog: Catalog) -> None:
    (row,) = catalog.users.add(["ann"]).tolist()
    said = [(row, User("ann", {}, {"marketing": True}))]
    assert catalog.declare(said, at_us=1) == 1
    with catalog.transaction():
        catalog.consents.record(row, [Word("marketing", False, 5, "api")])
    assert catalog.declare(said, at_us=9) == 0
    assert catalog.person_declared(row).consents == {"marketing": False}
    assert catalog.declare([(row, User("ann", {}, {"marketing": False}))], at_us=10) == 1
    assert catalog.declare(said, at_us=11) == 1, "the file itself says something new"
    assert catalog.person_declared(row).consents == {"marketing": True}


def test_a_refusal_of_one_id_holds_for_the_person(catalog: Catalog) -> None:
    ann, phone, bob = catalog.users.add(["ann", "phone", "bob"]).tolist()
    with catalog.transaction():
        catalog.consents.record(ann, [Word("analytics", True, 1, "web")])
        catalog.consents.record(phone, [Word("analytics", False, 1, "web")])
    assert catalog.profilable(["ann", "phone", "bob", "stranger"]) == [True, False, True, True]
    catalog.stitch(phone, ann)
    assert catalog.profilable(["ann", "phone", "bob"]) == [False, False, True]
    assert catalog.consents.allowing("analytics") == {ann: False, phone: False}
    assert bob not in catalog.consents.allowing("analytics")


def test_one_look_up_tells_what_all_of_them_tell(catalog: Catalog) -> None:
    """Of one who said nothing, one with traits, one who spoke of consent, and two ids of one person."""
    ann, phone, bob, cat, dan = catalog.users.add(["ann", "phone", "bob", "cat", "dan"]).tolist()
    catalog.declare([(bob, User("bob", {"age": "35-44"})), (phone, User("phone", {"city": "Basel"}))], at_us=1)
    with catalog.transaction():
        catalog.consents.record(cat, [Word("analytics", False, 1, "web")])
    catalog.stitch(phone, ann)
    for user_id, row in (("ann", ann), ("phone", phone), ("bob", bob), ("cat", cat), ("dan", dan)):
        who, person = catalog.who(user_id), catalog.person(row)
        assert who is not None
        assert (who.row, who.rows) == (row, [person, *catalog.members(person)])
        assert who.user == catalog.person_declared(row)
    assert catalog.who("stranger") is None


def test_silence_by_setting(tmp_path: Path) -> None:
    catalog = Catalog(tmp_path / "catalog.sqlite", otherwise=False)
    ann, bob = catalog.users.add(["ann", "bob"]).tolist()
    with catalog.transaction():
        catalog.consents.record(ann, [Word("analytics", True, 1, "web")])
    assert catalog.profilable(["ann", "bob", "stranger"]) == [True, False, False]
    assert catalog.person_declared(ann).profilable
    assert not catalog.person_declared(ann).personalisable
    assert not catalog.person_declared(bob).profilable
    catalog.close()


def test_what_an_older_catalogue_kept_is_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "catalog.sqlite"
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID")
        db.execute("CREATE TABLE user_ids (row INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE)")
        db.execute("CREATE TABLE tombstones (digest BLOB PRIMARY KEY) WITHOUT ROWID")
        db.execute("CREATE TABLE declared (user INTEGER PRIMARY KEY, traits TEXT NOT NULL, consents TEXT NOT NULL)")
        db.execute("INSERT INTO meta VALUES ('layout', '1'), ('user_ids', '1')")
        db.execute("INSERT INTO user_ids VALUES (0, 'ann')")
        db.execute('INSERT INTO declared VALUES (0, \'{"age": 40}\', \'{"marketing": false, "analytics": true}\')')
    catalog = Catalog(path)
    assert catalog.declared(0) == User("ann", {"age": 40}, {"marketing": False, "analytics": True})
    assert [word.source for word in catalog.consents.history(0)] == ["earlier", "earlier"]
    catalog.close()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Tail, Catalog]]:
    """One tail for many people, and the catalogue read beside it."""
    folder = tmp_path_factory.mktemp("tracked")
    tail, catalog = (kind(folder / "catalog.sqlite", folder / "vault") for kind in (Tail, Catalog))
    assert isinstance(tail, Tail)
    assert isinstance(catalog, Catalog)
    yield tail, catalog
    tail.close()
    catalog.close()


@example(
    [
        Word("analytics", False, 2, "web"),
        Word("analytics", True, 2, "web"),  # outvoted at that instant, and no repetition half an hour later
        Word("analytics", True, 3, "web"),
    ]
)
@given(WORDS.filter(bool))
@settings(deadline=None)
def test_tracked_words_never_widen(shared: tuple[Tail, Catalog], words: list[Word]) -> None:
    """Clients repeat themselves with every message; however that is noted, a newer refusal is never outvoted."""
    tail, catalog = shared
    user = f"u{len(catalog.users)}"
    for number, word in enumerate(words):
        at_us, said = word.at_us * HALF_AN_HOUR_US, {word.purpose: word.given}
        tail.append([Tracked(f"{user}-{number}", word.source, number, user, at_us, consents=said)])
    row = catalog.users.row(user)
    assert row is not None
    kept = catalog.consents.of(row)
    assert set(kept) == set(newest(words))
    assert not [purpose for purpose, given in newest(words).items() if kept[purpose] and not given]
    if all(word.at_us < words[-1].at_us for word in words[:-1]):
        assert kept[words[-1].purpose] == words[-1].given, "the newest word, said last, counts"
