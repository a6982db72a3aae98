"""The classifier on worlds whose probabilities are known, and the laws of what is kept."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from scipy.special import expit

from mien.core.errors import NotReady, UnknownName, UsageError
from mien.models.heads.calibration import ISOTONIC_LEAST, Calibration
from mien.models.heads.classifier import Classifier, ClassifierSettings
from mien.models.heads.probe import Probe
from mien.studies.metrics import auroc, ece

pytest.importorskip("lightgbm", reason="needs the extra models")

NAMES = ("likes", "recency", "noise", "count")
KINDS = ("trees", "probe", "blend")
Floats = npt.NDArray[np.float64]


def world(n: int, seed: int = 0) -> tuple[Floats, Floats, Floats]:
    """Values, labels and the true probabilities: σ(1.5·likes − recency − 1), the rest says nothing; some unknown."""
    random = np.random.default_rng(seed)
    values = random.standard_normal((n, 4))
    values[:, 3] = np.exp(3 * values[:, 3])
    chance = expit(1.5 * values[:, 0] - values[:, 1] - 1)
    labels = (random.random(n) < chance).astype(float)
    values[random.random(n) < 0.05, 2] = np.nan
    return values, labels, chance


def fitted(kind: str = "blend", seed: int = 0, n: int = 6000) -> Classifier:
    values, labels, _ = world(n)
    held_out = np.arange(n) % 3 == 0
    settings = ClassifierSettings(kind=kind)  # type: ignore[arg-type]
    return Classifier.fit(NAMES, values, labels, held_out=held_out, settings=settings, seed=seed)


@pytest.mark.parametrize("kind", KINDS)
def test_it_finds_the_known_probabilities(kind: str) -> None:
    values, labels, chance = world(8000, seed=1)
    said = fitted(kind).probabilities(values)
    best = float(auroc(chance[:, None], labels[:, None] > 0)[0])
    assert auroc(said[:, None], labels[:, None] > 0)[0] > best - 0.02
    assert ece(said, labels > 0) < 0.03
    assert np.abs(said - chance).mean() < 0.06


@pytest.mark.parametrize("kind", KINDS)
def test_reasons_name_what_decided_and_sum_to_the_score(kind: str) -> None:
    model = fitted(kind)
    values = world(50, seed=2)[0]
    assert np.allclose(model.contributions(values).sum(axis=1), model.scores(values), atol=1e-9)
    told = model.reasons(np.array([3.0, 0.0, 0.0, 1.0]), k=1)[0]
    assert (told.name, told.value) == ("likes", 3.0)
    assert told.contribution > 0
    against = model.reasons(np.array([0.0, 3.0, np.nan, 1.0]), k=1)[0]
    assert against.name == "recency"
    assert against.contribution < 0


@pytest.mark.parametrize("kind", KINDS)
def test_save_and_load_is_identity(kind: str, tmp_path: Path) -> None:
    model = fitted(kind)
    again = Classifier.load(model.save(tmp_path / "head.npz"))
    values = world(300, seed=3)[0]
    assert np.array_equal(model.probabilities(values), again.probabilities(values))
    assert model.reasons(values[0]) == again.reasons(values[0])
    assert (model.names, model.settings, model.base_rate) == (again.names, again.settings, again.base_rate)


def test_equal_seeds_give_equal_answers_and_rows_stand_alone() -> None:
    values = world(200, seed=4)[0]
    one, two, other = fitted(seed=5), fitted(seed=5), fitted(seed=6)
    assert np.array_equal(one.probabilities(values), two.probabilities(values))
    assert not np.array_equal(one.probabilities(values), other.probabilities(values))
    single = np.concatenate([one.probabilities(values[k : k + 1]) for k in range(5)])
    assert np.allclose(single, one.probabilities(values)[:5], rtol=1e-12)


def test_the_input_stays_and_later_rows_do_not_leak_into_calibration() -> None:
    values, labels, _ = world(2000)
    before = values.copy()
    held_out = np.arange(2000) >= 1500
    flat = ClassifierSettings(kind="probe", refit=False)
    model = Classifier.fit(NAMES, values, labels, held_out=held_out, settings=flat)
    assert np.array_equal(values, before, equal_nan=True)
    alone = Probe.fit(values[:1500], labels[:1500], np.ones(1500), penalty=flat.penalty)
    assert np.array_equal(model.scores(values), alone.scores(values))
    whole = Classifier.fit(NAMES, values, labels, held_out=held_out, settings=ClassifierSettings(kind="probe"))
    assert not np.array_equal(whole.scores(values), model.scores(values))


def test_the_probe_is_scikit_learns_logistic_regression() -> None:
    from sklearn.linear_model import LogisticRegression

    values, labels, _ = world(500)
    values = np.nan_to_num(values)
    random = np.random.default_rng(0)
    weights = random.uniform(0.5, 2.0, 500)
    ours = Probe.fit(values, labels, weights, penalty=2.0)
    theirs = LogisticRegression(C=0.5, tol=1e-10, max_iter=1000)
    theirs.fit(ours.standardised(values), labels, sample_weight=weights)
    assert np.allclose(ours.weights, theirs.coef_[0], atol=1e-4)
    assert ours.bias == pytest.approx(float(theirs.intercept_[0]), abs=1e-4)


def test_calibration_by_hand() -> None:
    scores = np.array([0.0, 1.0, 2.0, 3.0])
    labels = np.array([0.0, 1.0, 0.0, 1.0])
    stepped = Calibration.fit(scores, labels, np.ones(4), "isotonic")
    assert stepped.steps.tolist() == [[0.0, 1.5, 3.0], [0.0, 0.5, 1.0]]  # 1 and 2 violate the order and are pooled
    assert stepped.probabilities(np.array([1.5]))[0] == pytest.approx(0.5, abs=0.01)
    fine = stepped.probabilities(np.linspace(-2, 5, 200))
    assert (np.diff(fine) > 0).all()
    assert Calibration.fit(scores, labels, np.ones(4)).steps.shape == (2, 0)


def test_calibration_mends_a_score_that_shouts() -> None:
    random = np.random.default_rng(0)
    score = random.standard_normal(20_000)
    labels = (random.random(20_000) < expit(score)).astype(float)
    shouted = 4 * score + 2
    assert min(labels.sum(), (1 - labels).sum()) > ISOTONIC_LEAST
    for way in ("platt", "isotonic"):
        mended = Calibration.fit(shouted[:10_000], labels[:10_000], np.ones(10_000), way)  # type: ignore[arg-type]
        assert ece(mended.probabilities(shouted[10_000:]), labels[10_000:] > 0) < 0.02
    assert ece(expit(shouted[10_000:]), labels[10_000:] > 0) > 0.1


def test_a_score_that_misleads_is_not_turned_around() -> None:
    scores = np.linspace(-1, 1, 100)
    labels = (scores < 0).astype(float)
    said = Calibration.fit(scores, labels, np.ones(100), "platt").probabilities(scores)
    assert (np.diff(said) > 0).all()
    assert np.allclose(said, 0.5, atol=0.01)


def test_wrong_calls_say_what_to_do(tmp_path: Path) -> None:
    values, labels, _ = world(100)
    with pytest.raises(UsageError, match="both labels"):
        Classifier.fit(NAMES, values, np.zeros(100), held_out=np.arange(100) < 50)
    with pytest.raises(UsageError, match="shape"):
        Classifier.fit(NAMES[:3], values, labels, held_out=np.arange(100) < 50)
    with pytest.raises(UsageError, match="4 features"):
        fitted("probe").probabilities(values[:, :3])
    with pytest.raises(UnknownName, match="blend"):
        ClassifierSettings(kind="blent")  # type: ignore[arg-type]
    with pytest.raises(NotReady):
        Classifier.load(tmp_path / "nothing.npz")
