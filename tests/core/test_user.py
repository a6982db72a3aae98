"""Merging what several ids declared: consent never widens."""

from hypothesis import given
from hypothesis import strategies as st

from mien.core.user import User, merged

CONSENTS = st.dictionaries(st.sampled_from(["analytics", "personalisation", "marketing"]), st.booleans())
USERS = st.lists(st.none() | st.builds(User, st.just("u"), st.just({}), CONSENTS), min_size=1, max_size=4)


def test_by_hand() -> None:
    phone = User("phone", {"age": "35-44"}, {"marketing": True, "analytics": True})
    laptop = User("laptop", {"age": "25-34", "gender": "F"}, {"marketing": False, "analytics": True})
    person = merged([phone, laptop])
    assert person == User("phone", {"age": "35-44", "gender": "F"}, {"marketing": False, "analytics": True})
    assert merged([phone, None]) == User("phone", {"age": "35-44"}, {})
    assert merged([None, None]) is None


@given(USERS)
def test_consent_never_widens(users: list[User | None]) -> None:
    person = merged(users)
    for purpose, granted in (person.consents if person else {}).items():
        answers = [user.consents.get(purpose) if user else None for user in users]
        assert granted == all(answers)
        assert granted or False in answers


@given(USERS)
def test_order_does_not_matter_for_consent(users: list[User | None]) -> None:
    one, other = merged(users), merged(users[::-1])
    assert (one.consents if one else {}) == (other.consents if other else {})
