"""One fit: what is held out, where the table starts, training, and once more on everything where it is asked for."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import torch

from mien.models.behaviour.curve import Curve
from mien.models.behaviour.network import Network, arrays_of, begin_with
from mien.models.behaviour.reading import Reader
from mien.models.behaviour.recipe import Recipe
from mien.models.behaviour.start import item_start
from mien.models.behaviour.together import local_rank, place
from mien.models.behaviour.tokens import Tokens
from mien.models.behaviour.training import Measured, Run, train
from mien.models.interactions import Interactions
from mien.models.items import ItemFacts

if TYPE_CHECKING:
    from mien.models.behaviour.behaviour import Behaviour

JUDGED = 4000
"""Most users that a validation looks at."""
AT_ONCE = 512


def fit_network(
    model: "Behaviour", data: Interactions, facts: ItemFacts, seed: int
) -> tuple[dict[str, npt.NDArray[Any]], npt.NDArray[np.float32], Curve, list[str]]:
    """Parameters by name, the table of items, the curve, and what a reader must be told."""
    from mien.models.behaviour.behaviour import LEAST_ACTS

    recipe = replace(model.recipe, device=_device(model.device))
    with _threads(recipe.threads):
        followed = int((Tokens.of(data).after_end > Tokens.of(data).after).sum())
        if followed < LEAST_ACTS:
            network = _network(Tokens.of(data), facts, recipe, seed)
            for value in network.parameters():
                value.data.zero_()
            note = (
                f"behaviour: {followed} acts that another follows are too few to learn from (at least {LEAST_ACTS}); "
                "what is popular answers instead"
            )
            return arrays_of(network), _table(network), Curve((), -1, recipe.epochs), [note]
        past, held = _held_out(data, model)
        network, curve, notes = _trained(model, past, facts, recipe, seed, held)
        if model.refit and held is not None:
            again = replace(recipe, epochs=curve.best + 1)
            network, *_ = _trained(model, data, facts, again, seed, None)
        table = _table(network)
    return arrays_of(network), table, curve, notes


def _table(network: Network) -> npt.NDArray[np.float32]:
    table: npt.NDArray[np.float32] = Reader.around(network.eval()).table.cpu().numpy()
    return table


def _trained(
    model: "Behaviour", data: Interactions, facts: ItemFacts, recipe: Recipe, seed: int, held: Interactions | None
) -> tuple[Network, Curve, list[str]]:
    from mien.models.behaviour.behaviour import digest

    tokens = Tokens.of(data, recipe.horizon_days)
    network = begin_with(_network(tokens, facts, recipe, seed), model.begin)
    judge = None if held is None else Judge(data, held, model.hide_seen, seed)
    told = digest(data, facts, recipe, seed, model.begin)
    watch = None if held is None and model.refit else model.watch  # the last training is not on trial
    run = Run(tokens, data.n_items, recipe, seed, judge, model.folder, told, model.progress, watch=watch)
    return network, train(network, run), run.notes


def _network(tokens: Tokens, facts: ItemFacts, recipe: Recipe, seed: int) -> Network:
    start = item_start(tokens, facts, recipe.width, seed, informed=recipe.start == "svd")
    return Network(facts, recipe, start, seed)


def _held_out(data: Interactions, model: "Behaviour") -> tuple[Interactions, Interactions | None]:
    """What is trained on, and what is held out (None: nothing, or too little to judge by)."""
    if model.validation == "none" or len(data) == 0:
        return data, None
    if model.validation == "time":
        cut_us = int(np.quantile(data.at_us, 1.0 - model.validation_share))
        past, later = data.before(cut_us), data.since(cut_us)
    else:
        instants = Tokens.of(data)
        last = instants.after_end <= instants.after
        past, later = data.select(~last), data.select(last)
    known = np.zeros(data.n_users, dtype=np.bool_)
    known[past.user] = True
    later = later.select(known[later.user])
    return (past, later) if len(later) and len(past) else (data, None)


class Judge:
    """NDCG@10, recall@10 and loss on the first instant that each user has in what was held out."""

    def __init__(self, past: Interactions, held: Interactions, hide_seen: bool, seed: int) -> None:
        first = held.at_us == held.at_us[held.offsets[held.user]]
        self.held = held.select(first)
        users = np.unique(self.held.user)
        if len(users) > JUDGED:
            users = np.sort(np.random.default_rng((seed, 5)).choice(users, JUDGED, replace=False))
        self.histories = past.of_users(users)
        self.targets = self.held.of_users(users)
        self.hide_seen = hide_seen

    def __call__(self, network: Network) -> Measured:
        reader = Reader.around(network)
        found = [self._part(reader, k) for k in range(0, self.histories.n_users, AT_ONCE)]
        loss, ndcg, recall = np.concatenate(found, axis=1).mean(axis=1).tolist()
        return Measured(loss, ndcg, recall)

    def _part(self, reader: Reader, begin: int) -> npt.NDArray[np.float64]:
        users = np.arange(begin, min(begin + AT_ONCE, self.histories.n_users))
        histories, targets = self.histories.of_users(users), self.targets.of_users(users)
        scores = reader.scores(histories)
        wanted = targets.matrix(np.ones(len(targets))) > 0
        row, column = wanted.nonzero()
        highest = scores.max(axis=1, keepdims=True)
        whole = np.log(np.exp(scores - highest).sum(axis=1)) + highest[:, 0]
        count = np.bincount(row, minlength=len(users))
        loss = np.bincount(row, whole[row] - scores[row, column], minlength=len(users)) / np.maximum(count, 1)
        if self.hide_seen:
            scores[histories.user, histories.item] = -np.inf
        top = np.argpartition(-scores, min(10, scores.shape[1] - 1), axis=1)[:, :10]
        top = np.take_along_axis(top, np.argsort(-np.take_along_axis(scores, top, axis=1), axis=1), axis=1)
        hit = np.asarray(wanted[np.arange(len(users))[:, None], top].todense())
        discount = 1.0 / np.log2(np.arange(2, top.shape[1] + 2))
        ideal = np.concatenate([[0.0], np.cumsum(discount)])[np.minimum(count, top.shape[1])]
        return np.stack([loss, hit @ discount / np.maximum(ideal, 1e-9), hit.sum(axis=1) / np.maximum(count, 1)])


def _device(asked: str) -> str:
    if asked != "auto":
        return asked
    if not torch.cuda.is_available():
        return "cpu"
    return f"cuda:{local_rank() % torch.cuda.device_count()}"


class _threads:  # noqa: N801 (reads as what it does)
    """Torch's threads set for a while; one process of several takes one, or they would tread on each other."""

    def __init__(self, threads: int) -> None:
        self.threads = 1 if place()[1] > 1 else threads

    def __enter__(self) -> None:
        self.before = torch.get_num_threads()
        torch.set_num_threads(self.threads)

    def __exit__(self, *failure: object) -> None:
        torch.set_num_threads(self.before)
