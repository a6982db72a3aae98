"""What names a person is known by the field's name, and masked so that it helps and does not tell."""

import pytest

from mien.core.personal import impersonal, kind_of_field, kind_of_trait, masked, masked_traits


@pytest.mark.parametrize(
    ("kind", "value", "shown"),
    [
        ("EMAIL", "ann.smith@example.com", "a***@e***.com"),
        ("EMAIL", "张伟@qq.com", "张***@q***.com"),
        ("EMAIL", "ann@localhost", "a***@***"),
        ("EMAIL", "no address", "***"),
        ("PHONE", "13800138000", "138***00"),
        ("PHONE", 13800138000, "138***00"),
        ("PHONE", "5551", "***"),
        ("NAME", "张伟", "张***"),
        ("ADDRESS", "Main Street 5", "***"),
        ("BIRTHDAY", "1990-01-01", "***"),
    ],
)
def test_masks(kind: str, value: object, shown: str) -> None:
    assert masked(kind, value) == shown


@pytest.mark.parametrize(
    "name", ["email", "E-Mail", "e_mail", "Email Address", "phone", "手机号", "First Name", "address"]
)
def test_fields_are_known_however_they_are_written(name: str) -> None:
    assert kind_of_field(name) is not None


@pytest.mark.parametrize("name", ["name", "age", "city", "brand", "mailing_list", "phones_owned", "title"])
def test_other_fields_are_not(name: str) -> None:
    assert kind_of_field(name) is None


def test_traits() -> None:
    traits = {"email": "ann@b.com", "name": "Ann", "address.city": "Köln", "age": 40, "card": "A-7", "vip": True}
    assert masked_traits(traits) == {
        "email": "a***@b***.com", "name": "A***", "address.city": "***", "age": 40, "card": "A-7", "vip": True,
    }  # fmt: skip
    assert masked_traits(traits, ["Card"])["card"] == "***"
    assert impersonal(traits) == {"age": 40, "card": "A-7", "vip": True}
    assert kind_of_trait("card", ["card"]) == "PERSONAL"
