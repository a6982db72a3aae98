"""Cold items and cold users: what is found of goods nobody has bought, and for people of whom little is known.

A share of the items and a share of the users are drawn and all their acts are kept from every model. After the fit the
catalogue grows by the cold items, as a shop's does. *Cold items*: known users whose last act is on a cold item,
asked for it. *Cold users*: users whom no model has met, asked for their next act after their first 1, 2, 5.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from mien.collect.titled import read_titled
from mien.core.clock import DAY_US
from mien.core.errors import UsageError
from mien.core.ids import Rows
from mien.core.ports import Progress, Silent
from mien.models.behaviour import SMALL, Behaviour
from mien.models.content.named import encoder_named
from mien.models.content.options import ContentSettings
from mien.models.content.texts import text_vectors
from mien.models.interactions import Interactions
from mien.models.items import ItemFacts
from mien.models.model import Model, chunks
from mien.models.named import model_named
from mien.models.ranked import Scores
from mien.studies.metrics import bootstrap_mean, paired_difference, rank_of
from mien.studies.ordered import LAST_US, ORDERED, TUNED, K, World, behaviour_settings, ndcg, read_world, recall

NAME = "cold"
ASKED_US = LAST_US - DAY_US
LAST_ITEMS = 10
"""Items of a history, the newest, whose mean stands for it where likeness of content alone answers."""
MODELS = ("popular", "item-neighbours", "behaviour")
"""Models that are fitted; the first two know nothing of cold items."""
CHANCE, ALIKE = "random", "content likeness"

Ranks = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class ColdWorld:
    """Items are numbered anew: `n_warm` warm ones, then the cold. `facts`: of all of them.

    `train`: acts of warm items by warm users, but the last of each tested user. `histories`: what the questions about
    cold items are asked from, a row a user; `target`: their answers. `newcomers`: whole histories of the cold users,
    warm items only.
    """

    train: Interactions
    n_warm: int
    facts: ItemFacts
    histories: Interactions
    target: Rows
    newcomers: Interactions


def study(
    source: str,
    *,
    share: float = 0.1,
    user_share: float = 0.1,
    firsts: Sequence[int] = (1, 2, 5),
    encoder: str = "lexical",
    settings: Mapping[str, Mapping[str, Any]] | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Recall and NDCG at 10 on cold items and for cold users, each with an interval over users.

    `source`: `s3rec:FILE` (attributes are tags) or `games:FOLDER` (titles are read by `encoder`, fitted on warm ones
    where it is fitted at all). `share`, `user_share`: of items and users that are cold. `firsts`: acts after which a
    cold user is asked. `settings`: {"behaviour": …}. Met items are never ranked, ties stand against the model.
    Raises `UsageError` where nothing is known of the items or nobody is left to ask. Cost: one fit, and scores of all
    items for every question.
    """
    for name, part in (("share", share), ("user_share", user_share)):
        if not 0 < part < 1:
            raise UsageError("{name} lies between 0 and 1, not at {part:g}.", name=name, part=part)
    report = progress or Silent()
    world = cold_world(source, share, user_share, encoder, seed, report)
    models = _fitted(world, behaviour_settings(settings), seed, report)
    items = _item_rows(world, models, seed, report)
    users = [row for first in firsts for row in _user_rows(world, models, first, seed, report)]
    return {
        "study": NAME,
        "source": source,
        "encoder": encoder if world.facts.content.shape[1] else "tags",
        "seed": seed,
        "warm_items": world.n_warm,
        "cold_items": len(world.facts) - world.n_warm,
        "users_asked_about_cold_items": len(world.target),
        "cold_users": world.newcomers.n_users,
        "models": [*items, *users],
    }


def cold_world(source: str, share: float, user_share: float, encoder: str, seed: int, report: Progress) -> ColdWorld:
    """Draw the cold items and users, and keep them apart. See `study`."""
    world, titles = _read(source)
    random = np.random.default_rng(seed)
    n_items, n_users = world.data.n_items, world.data.n_users
    drawn = random.permutation(n_items)
    n_warm = n_items - max(1, round(share * n_items))
    place = np.empty(n_items, dtype=np.int32)
    place[drawn] = np.arange(n_items, dtype=np.int32)
    newcomer = np.zeros(n_users, dtype=np.bool_)
    newcomer[random.choice(n_users, max(1, round(user_share * n_users)), replace=False)] = True
    data = _renumbered(world.data, place)
    tags = sp.csr_array(world.facts.tags[drawn])
    content = _content([titles[item] for item in drawn.tolist()], n_warm, encoder, report) if titles else None
    facts = ItemFacts(tags, ItemFacts.of(n_items, content=content).content)
    if facts.tags.shape[1] + facts.content.shape[1] == 0:
        raise UsageError("Nothing is known of the items beside their ids, so a cold one can be told by nothing.")
    warm = data.item < n_warm
    known = data.until(ASKED_US)
    kept = known.select(warm[data.at_us <= ASKED_US] & ~newcomer[known.user])
    target = np.empty(n_users, dtype=np.int32)
    target[world.users] = place[world.target]
    asked = world.users[~newcomer[world.users]]
    asked = asked[target[asked] >= n_warm]
    if not len(asked):
        raise UsageError("No user's last item is a cold one. Raise the share of cold items.")
    return ColdWorld(
        train=kept.within_items(n_warm),
        n_warm=n_warm,
        facts=facts,
        histories=known.of_users(asked),
        target=target[asked],
        newcomers=data.select(warm).of_users(np.flatnonzero(newcomer)),
    )


def first_acts(data: Interactions, first: int) -> tuple[Interactions, Rows]:
    """Of the users with more than `first` acts: these acts, the last of them as of the day of asking, and the next."""
    users = np.flatnonzero(np.diff(data.offsets) > first)
    chosen = data.of_users(users)
    nth = np.arange(len(chosen)) - chosen.offsets[chosen.user]
    early = nth < first
    cut = Interactions.of(
        chosen.user[early],
        chosen.item[early],
        chosen.action[early],
        ASKED_US - (first - 1 - nth[early]) * DAY_US,
        n_users=len(users),
        n_items=data.n_items,
    )
    return cut, chosen.item[chosen.offsets[:-1] + first]


def _read(source: str) -> tuple[World, list[str]]:
    word, _, folder = source.partition(":")
    if word != "games":
        return read_world(source), []
    orders, titles = read_titled(Path(folder).expanduser())
    return World.of(orders), titles


def _renumbered(data: Interactions, place: Rows) -> Interactions:
    columns = (data.user, place[data.item], data.action, data.at_us)
    return Interactions.of(*columns, n_users=data.n_users, n_items=data.n_items)


def _content(titles: list[str], n_warm: int, encoder: str, report: Progress) -> npt.NDArray[np.float32]:
    made = encoder_named(ContentSettings(encoder=encoder, threads=1), texts=titles[:n_warm])
    return text_vectors(titles, made, progress=report)


def _fitted(world: ColdWorld, settings: Mapping[str, Any], seed: int, report: Progress) -> dict[str, Model]:
    """All learn from the same acts; the catalogue then grows by the cold items."""
    warm = ItemFacts(sp.csr_array(world.facts.tags[: world.n_warm]), world.facts.content[: world.n_warm])
    models: dict[str, Model] = {}
    for name in MODELS:
        told = {**SMALL, **ORDERED, "threads": 1, **settings} if name == Behaviour.name else TUNED[name]
        model = model_named(name)(**told).use_items(warm).keep_in(None, report)
        models[name] = model.fit(world.train, at_us=ASKED_US, seed=seed).use_items(world.facts)
    return models


def _scored(model: Model | str, histories: Interactions, facts: ItemFacts, users: Rows, seed: int) -> Scores:
    if isinstance(model, Model):
        return np.array(model.score(histories, users, at_us=ASKED_US))
    if model == CHANCE:
        return np.random.default_rng((seed, int(users[0]))).random((len(users), len(facts)), dtype=np.float32)
    return alike(histories.of_users(users), facts)


def alike(histories: Interactions, facts: ItemFacts) -> Scores:
    """`(n_users, n_items)`: cosine of each item to the mean of the newest `LAST_ITEMS`, of weighed tags and content."""
    nth = histories.offsets[1:][histories.user] - np.arange(len(histories))
    newest = histories.select(nth <= LAST_ITEMS)
    mine = newest.matrix(np.ones(len(newest)))
    tags = facts.weighed_tags()
    total = np.zeros((histories.n_users, len(facts)), dtype=np.float32)
    if tags.shape[1]:
        total += np.asarray(((mine @ tags) @ tags.T).todense(), dtype=np.float32)
    if facts.content.shape[1]:
        total += np.asarray((mine @ facts.content) @ facts.content.T, dtype=np.float32)
    return total


def _ranks(
    model: Model | str, histories: Interactions, target: Rows, facts: ItemFacts, n_warm: int, seed: int
) -> tuple[Ranks, Ranks]:
    """The target's place among all items, and among the cold ones (without meaning where it is none of them)."""
    everywhere, among = [], []
    for part in chunks(len(target), len(facts), block_bytes=16 << 20):
        users = np.arange(len(target), dtype=np.int32)[part]
        scores = _scored(model, histories, facts, users, seed)
        met = histories.of_users(users)
        scores[met.user, met.item] = -np.inf
        everywhere.append(rank_of(scores, target[part]))
        among.append(rank_of(scores[:, n_warm:], np.maximum(target[part] - n_warm, 0)))
    return np.concatenate(everywhere), np.concatenate(among)


def _item_rows(world: ColdWorld, models: Mapping[str, Model], seed: int, report: Progress) -> list[dict[str, Any]]:
    askable: dict[str, Model | str] = {
        "popular": models["popular"],
        CHANCE: CHANCE,
        ALIKE: ALIKE,
        Behaviour.name: models[Behaviour.name],
    }
    advance = report.step("ask about cold items", len(askable))
    found = {}
    for name, model in askable.items():
        found[name] = _ranks(model, world.histories, world.target, world.facts, world.n_warm, seed)
        advance(1)
    rows = []
    for name, (everywhere, among) in found.items():
        row: dict[str, Any] = {"model": name, "slice": "cold items"}
        for word, ranks in (("among cold", among), ("among all", everywhere)):
            row |= {
                f"{measure}@{K} {word}": bootstrap_mean(of(ranks)).to_dict()
                for measure, of in (("recall", recall), ("ndcg", ndcg))
            }
        if name == Behaviour.name:
            gain = paired_difference(ndcg(among), ndcg(found[ALIKE][1]))
            row["against"] = {"model": ALIKE, f"ndcg@{K} among cold": gain.to_dict()}
        rows.append(row)
    return rows


def _user_rows(
    world: ColdWorld, models: Mapping[str, Model], first: int, seed: int, report: Progress
) -> list[dict[str, Any]]:
    cut, target = first_acts(world.newcomers, first)
    if not len(target):
        return []
    advance = report.step(f"ask after {first} acts", len(models))
    found = {}
    for name, model in models.items():
        found[name], _ = _ranks(model, cut, target, world.facts, world.n_warm, seed)
        advance(1)
    rows = []
    for name, ranks in found.items():
        row: dict[str, Any] = {"model": name, "slice": f"cold users, {first} acts", "users": len(target)}
        row |= {f"recall@{K}": bootstrap_mean(recall(ranks)).to_dict()}
        row |= {f"ndcg@{K}": bootstrap_mean(ndcg(ranks)).to_dict()}
        if name == Behaviour.name:
            rest = [other for other in found if other != name]
            best = max(rest, key=lambda other: float(ndcg(found[other]).mean()))
            row["against"] = {"model": best, f"ndcg@{K}": paired_difference(ndcg(ranks), ndcg(found[best])).to_dict()}
        rows.append(row)
    return rows
