"""The item recommenders by name: the one list that studies, settings and tests read."""

from pathlib import Path

from mien.core.errors import UnknownName
from mien.models.blend.blend import Blend
from mien.models.model import Model
from mien.models.singles import CLASSICAL, SINGLES

MODELS: dict[str, type[Model]] = {**SINGLES, Blend.name: Blend}

__all__ = ["CLASSICAL", "MODELS", "load_model", "model_named"]


def model_named(name: str) -> type[Model]:
    """The class of a name, or `UnknownName` with the nearest known ones."""
    if name not in MODELS:
        raise UnknownName("model", name, MODELS)
    return MODELS[name]


def load_model(name: str, folder: Path) -> Model:
    """The model of this name saved in `folder`."""
    return model_named(name).load(folder)
