"""The recommenders that stand on their own: what a blend may be made of."""

from mien.models.behaviour import Behaviour
from mien.models.ease import Ease
from mien.models.factor import Als
from mien.models.frequency import Frequency
from mien.models.interest import Interest
from mien.models.model import Model
from mien.models.neighbours import ItemNeighbours, UserNeighbours
from mien.models.popular import Popular
from mien.models.repeat import Repeat

CLASSICAL: dict[str, type[Model]] = {
    model.name: model for model in (Popular, Repeat, Frequency, ItemNeighbours, UserNeighbours, Ease, Als, Interest)
}
"""Those that need no optional package."""
SINGLES: dict[str, type[Model]] = {**CLASSICAL, Behaviour.name: Behaviour}
