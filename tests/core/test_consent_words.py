"""What banners call a purpose."""

import pytest

from mien.core.consent import PURPOSES, purpose_of


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("Analytics", "analytics"),
        ("C0002", "analytics"),
        ("personalization", "personalisation"),
        ("Functional", "personalisation"),
        ("Advertising", "marketing"),
        ("C0004", "marketing"),
        ("Automated Decision-Making", "automated_decisions"),
        ("newsletter", "newsletter"),
        ("Data Sharing", "Data Sharing"),
    ],
)
def test_names_are_understood(said: str, meant: str) -> None:
    assert purpose_of(said) == meant


@pytest.mark.parametrize("purpose", PURPOSES)
def test_a_purpose_is_itself(purpose: str) -> None:
    assert purpose_of(purpose) == purpose
