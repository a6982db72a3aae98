"""The toy shop and the six rows, each with its population and yardstick, made once."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest

from mien.core.clock import to_us
from mien.core.profile import Profile
from mien.features.population import Population
from mien.profiles.read import read
from mien.profiles.yardstick import Yardstick
from mien.testing.world import World, six_rows, world


@dataclass(frozen=True, eq=False, repr=False)
class Shop:
    world: World
    population: Population
    yardstick: Yardstick

    def read(self, user_id: str, at: datetime | None = None, **more: Any) -> Profile:
        """The profile of a user as of `at`, from the events up to then."""
        at = at or self.world.at
        state = self.world.state(user_id, at)
        catalogue = self.world.catalogue
        return read(state, user_id, catalogue, self.population, to_us(at), yardstick=self.yardstick, **more)


def _shop(of: World) -> Shop:
    population = of.population()
    return Shop(of, population, Yardstick.of(of.catalogue, population))


@pytest.fixture(scope="session")
def shop() -> Shop:
    return _shop(world())


@pytest.fixture(scope="session")
def six() -> Shop:
    return _shop(six_rows())
