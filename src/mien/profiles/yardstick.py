"""The yardstick: the facets of the goods and how everybody's behaviour is spread over them, ready to read against."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from mien.core.item import Catalogue, Facet
from mien.features.population import Population, facet_shares, facets
from mien.features.weights import DEFAULT_WEIGHTS, ActionWeights
from mien.models.markov import Markov

RULES = "tags-1"
"""Version of the rules a tag is read by; together with the population's it names where a tag came from."""


@dataclass(frozen=True, eq=False)
class Yardstick:
    """What one user is measured against. Made once per catalogue and population, then read from by many threads.

    `shares[k]`: population share of each value of `facets[k]`, none of them 0. `weights`: `(n_actions,)` by code.
    `chain`: how everybody goes from action to action.
    """

    facets: tuple[Facet, ...]
    shares: tuple[npt.NDArray[np.float64], ...]
    weights: npt.NDArray[np.float64]
    chain: Markov
    version: str

    @classmethod
    def of(cls, catalogue: Catalogue, population: Population, weights: ActionWeights = DEFAULT_WEIGHTS) -> "Yardstick":
        """Cost: some 100 ms for 100,000 items; a profile is then read in a millisecond or two."""
        return cls.with_facets(facets(catalogue, population), population, weights)

    @classmethod
    def with_facets(
        cls, known: tuple[Facet, ...], population: Population, weights: ActionWeights = DEFAULT_WEIGHTS
    ) -> "Yardstick":
        """The same of facets at hand. Cost: some passes over everybody's totals."""
        return cls(
            facets=known,
            shares=tuple(facet_shares(facet, population, weights) for facet in known),
            weights=weights.array,
            chain=_chain(population),
            version=f"{RULES}/{population.version}",
        )

    @cached_property
    def facet_names(self) -> tuple[str, ...]:
        """Each name once, in order; the levels of a path share theirs."""
        return tuple(dict.fromkeys(facet.name for facet in self.facets))


def _chain(population: Population) -> Markov:
    counts = {code: int(n) for code, n in enumerate(population.actions)}
    steps = {(int(a), int(b)): int(population.transitions[a, b]) for a, b in np.argwhere(population.transitions)}
    return Markov.fit(counts, steps)
