"""Dead letters rest sealed; erasing finds those that name a user, wherever in them that stands."""

from pathlib import Path
from typing import Any

import pytest

from mien.stores.catalog import Catalog
from mien.stores.letters import words_of


def letter(raw: str, *, user: int | None = None, detail: str | None = None) -> dict[str, Any]:
    return {
        "source": "http", "file": None, "row": None, "reason": "bad", "detail": detail, "raw": raw, "user": user,
    }  # fmt: skip


NAMING = (
    '{"userId": "ann.g"}',
    '{"context": {"ids": [{"id": "ann.g"}]}}',
    '{"user": 7}',
    '{"userId": "ann.g", "properties": {"long": "and cut he',
    "ann.g,view,mug",
    'message of "ann.g": soon',
    '{"userId": "\\u0061nn.g"}',
)


@pytest.mark.parametrize("raw", NAMING)
def test_a_letter_that_names_a_user_goes_with_them(tmp_path: Path, raw: str) -> None:
    catalog = Catalog(tmp_path / "catalog.sqlite")
    with catalog.transaction() as db:
        catalog.letters.bury(db, [letter(raw), letter('{"userId": "ann.gables"}'), letter('{"user": 77}')])
        catalog.letters.erase(db, [], {catalog.vault.digest("ann.g"), catalog.vault.digest("7")})
    assert {one.raw for one in catalog.letters.newest()} == {'{"userId": "ann.gables"}', '{"user": 77}'}
    catalog.close()


def test_a_letter_of_a_user_is_sealed_under_their_key(tmp_path: Path) -> None:
    catalog = Catalog(tmp_path / "catalog.sqlite")
    ann, bob = catalog.users.add(["ann", "bob"]).tolist()
    with catalog.transaction() as db:
        assert catalog.letters.bury(db, [letter("raspberry", user=ann), letter("cordial", user=bob, detail="ann")]) == 2
        assert catalog.letters.bury(db, [letter("raspberry", user=ann)]) == 0
    assert [one.raw for one in catalog.letters.newest()] == ["cordial", "raspberry"]
    assert catalog.letters.counts() == {"bad": 2}
    catalog.vault.destroy([(ann, catalog.vault.digest("ann"))], at_us=0)
    assert [one.raw for one in catalog.letters.newest()] == ["cordial", None]
    with catalog.transaction() as db:
        catalog.letters.erase(db, [ann], {catalog.vault.digest("ann")})
    assert catalog.letters.newest() == []
    catalog.close()
    for path in tmp_path.rglob("*"):
        if path.is_file():
            assert b"raspberry" not in path.read_bytes()
            assert b"cordial" not in path.read_bytes()


def test_a_letter_that_names_somebody_erased_is_not_kept(tmp_path: Path) -> None:
    """Clients send again what was refused, and a file is read again: her id would come back with it."""
    catalog = Catalog(tmp_path / "catalog.sqlite")
    catalog.vault.destroy([(0, catalog.vault.digest("ann"))], at_us=0)
    with catalog.transaction() as db:
        assert catalog.letters.bury(db, [letter('{"context": {"id": "ann"}}'), letter('{"userId": "bob"}')]) == 1
    assert [one.raw for one in catalog.letters.newest()] == ['{"userId": "bob"}']
    catalog.close()


def test_words_are_found_in_whatever_was_sent() -> None:
    assert {"a b", "c", "3", "3.5"} <= words_of('{"x": ["a b", {"y": "c"}], "n": 3, "m": 3.5}')
    assert "小王" in words_of("用户 “小王” 未来时间")
