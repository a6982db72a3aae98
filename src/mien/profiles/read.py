"""profile = read(fold(events), items, population, models, at): a pure function, a millisecond or two."""

from collections.abc import Sequence
from dataclasses import replace

from mien.core.clock import from_us
from mien.core.errors import UsageError
from mien.core.item import Catalogue
from mien.core.profile import Identity, Profile
from mien.core.user import User
from mien.features.population import Population
from mien.features.state import State
from mien.models.markov import Markov
from mien.profiles.activity import read_activity, read_value
from mien.profiles.behaviour import read_behaviour
from mien.profiles.narrate import narrate
from mien.profiles.needs import read_needs
from mien.profiles.options import ProfileOptions
from mien.profiles.outlook import Outlook, with_outlook
from mien.profiles.tags import read_tags, support
from mien.profiles.traits import read_traits
from mien.profiles.wording import Language
from mien.profiles.yardstick import Yardstick


def read(
    state: State,
    user_id: str,
    catalogue: Catalogue,
    population: Population,
    at_us: int,
    *,
    options: ProfileOptions | None = None,
    yardstick: Yardstick | None = None,
    markov: Markov | None = None,
    user: User | None = None,
    user_ids: Sequence[str] = (),
    outlook: Outlook | None = None,
    language: Language = "en",
    currency: str = "USD",
) -> Profile:
    """The profile of one user as of `at_us`, from their state; what is unknown is absent.

    `state` holds nothing later than `at_us` (fold, or refold, up to then), else `UsageError`: a sum cannot be
    undone. `yardstick`: made once from catalogue and population where many profiles are read; None makes it here.
    `markov`: the chain of actions to smooth with; None takes the population's.
    `outlook`: what trained models say of them (`read_outlook`). `user`: what the person declared.
    `user_ids`: all ids stitched into this user, where there are several. `currency`: of the money in the summary.

    Where the user does not let answers depend on them no tag, need, habit or trait is inferred; where they do not let
    be kept what they do, nothing but what they declared is told.
    """
    if state.events and state.last_us > at_us:
        last, at = from_us(state.last_us), from_us(at_us)
        raise UsageError(
            "The state holds events up to {last}, later than {at}. Fold it up to then first.", last=last, at=at
        )
    options = options or ProfileOptions()
    yardstick = yardstick or Yardstick.of(catalogue, population)
    if user is not None and not user.profilable:
        state = State(state.settings)
    bare = user is not None and not user.personalisable
    liking = support(state, yardstick.weights, len(catalogue), at_us)
    profile = Profile(
        user_id=user_id,
        version=yardstick.version,
        as_of=from_us(at_us),
        events=state.events,
        identity=Identity(tuple(user_ids)) if len(user_ids) > 1 else None,
        traits=read_traits(State(state.settings) if bare else state, user, options),
        activity=read_activity(state, at_us),
        value=read_value(state, liking.tallies, population, at_us),
        tags=() if bare else read_tags(liking, yardstick, at_us, options),
        needs=None if bare else read_needs(state, at_us, options),
        behaviour=None if bare else read_behaviour(state, liking.tallies, markov or yardstick.chain),
        consent=dict(user.consents) if user else {},
    )
    if outlook is not None:
        profile = with_outlook(profile, outlook)
    return replace(profile, summary=narrate(profile, language, currency=currency, zone=state.settings.zone))
