"""A profile as those see it who may not see whom it is of."""

from collections.abc import Iterable
from dataclasses import replace

from mien.core.personal import kind_of_trait, masked
from mien.core.profile import Profile, Trait


def masked_profile(profile: Profile, more: Iterable[str] = ()) -> Profile:
    """The profile with its declared direct identifiers masked. `more`: names of traits that are ones, too."""
    return replace(profile, traits=tuple(_masked(trait, more) for trait in profile.traits))


def _masked(trait: Trait, more: Iterable[str]) -> Trait:
    kind = kind_of_trait(trait.name, more)
    return trait if kind is None else replace(trait, value=masked(kind, trait.value))
