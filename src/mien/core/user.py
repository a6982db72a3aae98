"""A user: what a person has declared about themself."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from mien.core.consent import ANALYTICS, AUTOMATED, PERSONALISATION, purpose_of


@dataclass(frozen=True, slots=True)
class User:
    """Declared traits (`{"age": "35-44"}`) and consents (purpose → given?). What is unknown is absent.

    `otherwise`: whether a purpose that was not spoken of is allowed; a setting of the shop.
    """

    user_id: str
    traits: dict[str, str | int | float | bool] = field(default_factory=dict)
    consents: dict[str, bool] = field(default_factory=dict)
    otherwise: bool = True

    def allows(self, purpose: str) -> bool:
        """Whether something may be done for a purpose of `core.consent.PURPOSES`, or for another by its name."""
        said = [given for name, given in self.consents.items() if purpose_of(name) == purpose]
        return all(said) if said else self.otherwise

    @property
    def profilable(self) -> bool:
        """Whether what they do may be kept and counted."""
        return self.allows(ANALYTICS)

    @property
    def personalisable(self) -> bool:
        """Whether answers may depend on who they are; without a profile there is nothing to depend on."""
        return self.allows(PERSONALISATION) and self.profilable

    @property
    def predictable(self) -> bool:
        """Whether models may judge them."""
        return self.allows(AUTOMATED) and self.personalisable


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
    return User(told[0].user_id, traits, consents, told[0].otherwise)


def _purposes(users: Sequence[User]) -> list[str]:
    return list(dict.fromkeys(purpose for user in users for purpose in user.consents))


def _settled(answers: list[bool | None]) -> bool:
    """Refused by one, or granted by all; else nothing is known."""
    return False in answers or None not in answers
