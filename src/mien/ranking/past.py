"""The past: a shelf as it stood at an earlier moment, so that a ranker learns without knowing what came after."""

from mien.core.item import Catalogue
from mien.models.behaviour import Behaviour
from mien.models.demand import Demand
from mien.models.interactions import Interactions
from mien.models.model import Model
from mien.models.neighbours import ItemNeighbours
from mien.models.popular import Popular
from mien.profiles.yardstick import Yardstick
from mien.ranking.close import CloseReading
from mien.ranking.foresight import Foresight
from mien.ranking.lexical import TextIndex
from mien.ranking.nearness import Nearness
from mien.ranking.shelf import Shelf
from mien.ranking.taste import Taste


def past_shelf(
    catalogue: Catalogue,
    yardstick: Yardstick,
    index: TextIndex | None,
    data: Interactions,
    *,
    at_us: int,
    taste: Model | None,
    foresight: Behaviour | None = None,
    vectors: Nearness | None = None,
    close: CloseReading | None = None,
    seed: int = 0,
) -> Shelf:
    """Neighbours, popularity, demand and tastes fitted on what was known at `at_us`; texts as they are today.

    `taste`: the model to fit for tastes, None for none. `foresight`: a behaviour model trained on nothing later; one
    that knows more is left out. `vectors`, `close`: of the goods' texts as they are today. Cost: the fits.
    """
    known = data.until(at_us)
    return Shelf(
        catalogue,
        yardstick,
        index,
        ItemNeighbours().fit(known, at_us=at_us, seed=seed),
        Popular().fit(known, at_us=at_us).fitted["counts"],
        demand=Demand.fit(known, at_us=at_us),
        taste=None if taste is None else Taste.of(taste.fit(known, at_us=at_us, seed=seed)),
        vectors=vectors,
        close=close,
        foresight=None if foresight is None or foresight.at_us > at_us else Foresight(foresight, catalogue.price),
    )
