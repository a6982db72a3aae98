"""A user: what a person has declared about themself."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class User:
    """Declared traits (`{"age": "35-44"}`) and consents (purpose → given?). What is unknown is absent."""

    user_id: str
    traits: dict[str, str | int | float | bool] = field(default_factory=dict)
    consents: dict[str, bool] = field(default_factory=dict)
