"""The item recommenders by name: the one list that studies, settings and tests read."""

from pathlib import Path

from mien.core.errors import UnknownName
from mien.models.behaviour import Behaviour
from mien.models.ease import Ease
from mien.models.factor import Als
from mien.models.interest import Interest
from mien.models.model import Model
from mien.models.neighbours import ItemNeighbours, UserNeighbours
from mien.models.popular import Popular
from mien.models.repeat import Repeat

CLASSICAL: dict[str, type[Model]] = {
    model.name: model for model in (Popular, Repeat, ItemNeighbours, UserNeighbours, Ease, Als, Interest)
}
MODELS: dict[str, type[Model]] = CLASSICAL | {Behaviour.name: Behaviour}


def model_named(name: str) -> type[Model]:
    """The class of a name, or `UnknownName` with the nearest known ones."""
    if name not in MODELS:
        raise UnknownName("model", name, MODELS)
    return MODELS[name]


def load_model(name: str, folder: Path) -> Model:
    """The model of this name saved in `folder`."""
    return model_named(name).load(folder)
