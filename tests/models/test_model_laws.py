"""Every item recommender keeps the laws; those that learn from other people find the known worlds out."""

import pytest

from mien.models.behaviour import Behaviour
from mien.models.blend.blend import Blend
from mien.models.ease import Ease
from mien.models.factor import Als
from mien.models.interest import Interest
from mien.models.named import MODELS
from mien.testing.model_checks import COLLABORATIVE_LAWS, MODEL_LAWS, Law, Maker

SMALL: dict[str, Maker] = {
    **{name: model for name, model in MODELS.items() if name not in ("als", "interest", "ease", "behaviour", "blend")},
    "als": lambda: Als(factors=4, ridge=1.0),
    "ease": lambda: Ease(ridge=1.0),
    "interest": lambda: Interest(dim=4),
    "behaviour": lambda: Behaviour(width=8, heads=1, blocks=1, epochs=2, length=8, negatives=8, threads=1),
    "blend": lambda: Blend(parts="popular+repeat+user-neighbours+ease", candidates=8, rounds=5, fewest=1),
}


def test_the_list_is_complete() -> None:
    assert set(SMALL) == set(MODELS)


@pytest.mark.parametrize("name", SMALL)
@pytest.mark.parametrize("law", MODEL_LAWS, ids=lambda law: law.__name__)
def test_law(law: Law, name: str) -> None:
    law(SMALL[name])


@pytest.mark.parametrize("name", ["item-neighbours", "user-neighbours", "ease", "als", "interest"])
@pytest.mark.parametrize("law", COLLABORATIVE_LAWS, ids=lambda law: law.__name__)
def test_collaborative_law(law: Law, name: str) -> None:
    law(SMALL[name])
