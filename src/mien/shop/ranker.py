"""The ranker of a shop: learnt from what was bought after a moment in the past, opened where it was."""

from mien.core.clock import DAY_US, from_us
from mien.core.errors import NotReady
from mien.core.ports import Progress
from mien.models.interactions import Interactions
from mien.models.model import Model
from mien.profiles.yardstick import Yardstick
from mien.ranking.lexical import TextIndex
from mien.ranking.past import past_shelf
from mien.ranking.ranker import LearnOptions, Ranker, learn
from mien.ranking.rehearsal import Rehearsal, examples_of, questions
from mien.shop.stock import Stock
from mien.shop.workspace import Build

RANKER = "ranker.npz"
DAYS = 28.0
"""How far back the moment lies that questions come after."""
MOST = 12_000
"""Most questions that are learnt from."""
FEWEST = 200
"""With fewer the weights that are set by hand are as good."""


def learn_ranker(
    stock: Stock, build: Build, data: Interactions, *, taste: Model | None, seed: int, progress: Progress
) -> Ranker:
    """Rehearse the last weeks: what each person bought is asked for by its category, with nothing later known.

    `taste`: an ALS to be fitted as of then, as the one that answers was. Raises `NotReady` where there are too few
    questions. Cost: some ms a question, and the trees.
    """
    at_us = build.as_of_us - int(DAYS * DAY_US)
    catalogue = stock.catalogue(build.as_of_us)
    standard = Yardstick.of(catalogue, stock.population(build.population))
    index = TextIndex.open(stock.workspace.index / "text", catalogue)
    shelf = past_shelf(catalogue, standard, index, data, at_us=at_us, taste=taste, seed=seed)
    asked = questions(data, shelf, (at_us + 1, build.as_of_us + 1), most=MOST, seed=seed)
    if len(asked) < FEWEST:
        raise NotReady(
            f"{len(asked)} purchases of the last {DAYS:g} days can be asked for by a category; {FEWEST} are needed. "
            "Searches are ranked by the weights of the settings."
        )
    rehearsal = Rehearsal(shelf, data, at_us, stock.settings.fold, catalogue.known)
    examples = examples_of([one for one in rehearsal.ask(asked, progress) if one.decides])
    facts = {"questions": len(examples.sizes), "from": from_us(at_us).isoformat(), "of": "purchases"}
    return learn(examples, LearnOptions(), seed=seed, facts=facts)
