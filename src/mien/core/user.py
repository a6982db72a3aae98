"""A user: what a person has declared about themself."""

from collections.abc import Sequence
from dataclasses import dataclass, field

PERSONALISATION = ("personalisation", "personalise", "personalization", "personalize")
"""What the purpose of personalisation is called."""


@dataclass(frozen=True, slots=True)
class User:
    """Declared traits (`{"age": "35-44"}`) and consents (purpose → given?). What is unknown is absent."""

    user_id: str
    traits: dict[str, str | int | float | bool] = field(default_factory=dict)
    consents: dict[str, bool] = field(default_factory=dict)

    @property
    def personalisable(self) -> bool:
        """False where they refused personalisation; who has not said has not refused."""
        return not any(self.consents.get(purpose) is False for purpose in PERSONALISATION)


def merged(users: Sequence[User | None]) -> User | None:
    """What one person declared under several ids, the first id's words first; None where nothing was declared.

    Consent only narrows: a purpose is refused where any id refused it, and granted only where every id granted it.
    """
    told = [user for user in users if user is not None]
    if not told:
        return None
    traits = {name: value for user in reversed(told) for name, value in user.traits.items()}
    said = {purpose: [user.consents.get(purpose) if user else None for user in users] for purpose in _purposes(told)}
    consents = {purpose: False not in answers for purpose, answers in said.items() if _settled(answers)}
    return User(told[0].user_id, traits, consents)


def _purposes(users: Sequence[User]) -> list[str]:
    return list(dict.fromkeys(purpose for user in users for purpose in user.consents))


def _settled(answers: list[bool | None]) -> bool:
    """Refused by one, or granted by all; else nothing is known."""
    return False in answers or None not in answers
