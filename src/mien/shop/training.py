"""Training: what the shop sells and what its users did become models; nothing half-trained is ever opened.

1. the recommenders, the behaviour model among them, on everything up to the build's time, and what ranks searches and
   recommendations;
2. a smaller behaviour model on what came before the heads' windows: the frozen vector that the heads read;
3. the heads; 4. the head of review texts, where reviews come with ratings.
Under `torchrun` all processes train the behaviour models together; the first one does the rest.
"""

import json
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import ibis.expr.types as ir
import pyarrow.compute as pc

from mien.core.errors import NotReady, UnknownName, UsageError
from mien.core.item import Facet
from mien.core.phrase import Phrase
from mien.core.ports import Progress, Silent
from mien.core.tables import EVENT, JUDGED
from mien.models.behaviour import SMALL, Behaviour
from mien.models.behaviour.together import alone, together, told, wait
from mien.models.content.reviews import rating_labels, train_review_head
from mien.models.factor import Als
from mien.models.heads.heads import Heads
from mien.models.interactions import Interactions
from mien.models.items import ItemFacts
from mien.models.model import Model
from mien.models.named import CLASSICAL, model_named
from mien.prepare.judgement import Judgement
from mien.profiles.yardstick import Yardstick
from mien.ranking.ranker import Ranker
from mien.report.curves import curve_page
from mien.shop.building import interactions, judged_log
from mien.shop.judgements import Judgements, read_judgements
from mien.shop.ranker import RANKER, RECOMMENDER, learn_for_you, learn_ranker
from mien.shop.stock import Stock
from mien.shop.trained import REVIEWS, VECTOR, chosen_content, index_meaning, item_facts, keep_content
from mien.shop.workspace import Build
from mien.stores.durable import write_whole

FLAGS = ("heads", "reviews", "ranker")
NO_TEXT = "items: nothing is said of them in words, so they are read by their tags and ids alone"


@dataclass(frozen=True, slots=True)
class TrainRecipe:
    """What to train: `models` name → settings; whether heads, the head of reviews and the rankers are trained too."""

    models: dict[str, dict[str, Any]] = field(default_factory=dict)
    heads: bool = True
    reviews: bool = True
    ranker: bool = True

    @classmethod
    def default(cls) -> "TrainRecipe":
        """Every model that is installed, small enough for two cores."""
        learnt = {"behaviour": SMALL} if find_spec("torch") else {}
        trees = find_spec("lightgbm") is not None
        return cls({**{name: {} for name in CLASSICAL}, **learnt}, heads=trees, ranker=trees)

    @classmethod
    def read(cls, path: Path) -> "TrainRecipe":
        """A TOML file: `[models.NAME]` with settings, `heads`, `reviews`, `ranker` true or false.

        Unknown models and keys are named with the nearest known ones; settings that contradict each other are refused
        before anything is trained.
        """
        try:
            recipe = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as wrong:
            raise UsageError("{path} is not a recipe that can be read: {wrong}", path=path, wrong=wrong) from None
        for key in recipe:
            if key not in cls.__dataclass_fields__:
                raise UnknownName("recipe key", key, cls.__dataclass_fields__)
        for key in FLAGS:
            if not isinstance(recipe.get(key, True), bool):
                raise UsageError(
                    "{path}: {key} is true or false, not {given!r}.", path=path, key=key, given=recipe[key]
                )
        chosen: dict[str, dict[str, Any]] = recipe.get("models", {})
        if not isinstance(chosen, dict):
            raise UsageError(
                "{path}: models is written as tables, [models.NAME] and its settings, not {chosen!r}.",
                path=path,
                chosen=chosen,
            )
        for name, settings in chosen.items():
            known = model_named(name).settings_names()
            if not isinstance(settings, dict):
                raise UsageError(
                    "{path}: write [models.{name}] and its settings below, not {name} = {settings!r}.",
                    path=path,
                    name=name,
                    settings=settings,
                )
            for key in settings:
                if key not in known:
                    raise UnknownName(Phrase("recipe key of models.{name}", name=name), key, known)
            made(name, settings)
        return cls(chosen, **{key: recipe.get(key, False) for key in FLAGS})


def made(name: str, settings: Mapping[str, Any]) -> Model:
    """A model of these settings; a value of the wrong type is a sentence."""
    try:
        return model_named(name)(**settings)
    except TypeError as wrong:
        raise UsageError("The settings of the model {name} do not fit: {wrong}.", name=name, wrong=wrong) from None


def train(
    stock: Stock,
    build: Build,
    recipe: TrainRecipe,
    *,
    judgements: Path | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Train what the recipe names and keep it in `models/`. The caller holds the writer's lock, if it is the first.

    `judgements`: a file of judged pairs that the ranker learns from; one that cannot be used is refused before
    anything is trained. None: the workspace's own (setting `search.judgements`), where there is one.
    """
    report = progress or Silent()
    judged = _judgements(stock, build, recipe, judgements)
    with together() as rank:
        work = replace(_Work.of(stock, build, recipe, seed, report, rank), judgements=judged)
        trained = work.models()
        notes = [*work.notes, *work.rankers(), *work.heads(), *work.reviews()] if rank == 0 else []
    return {"as_of": build.as_of.isoformat(), "interactions": len(work.data), "models": trained, "notes": notes}


def _judgements(stock: Stock, build: Build, recipe: TrainRecipe, given: Path | None) -> Judgements | None:
    if given is not None and not recipe.ranker:
        raise UsageError(
            "Judgements teach what ranks searches; this recipe does not train it. Write ranker = true (it needs the "
            "extra models)."
        )
    path = given or stock.workspace.folder / stock.settings.search.judgements
    if given is None and not (recipe.ranker and path.is_file()):
        return None
    return read_judgements(path, stock.catalogue(build.as_of_us))


@dataclass(frozen=True, eq=False)
class _Work:
    stock: Stock
    build: Build
    recipe: TrainRecipe
    seed: int
    report: Progress
    rank: int
    judged: ir.Table
    data: Interactions
    facets: tuple[Facet, ...]
    facts: ItemFacts
    notes: tuple[str, ...] = ()
    frozen: list[Behaviour] = field(default_factory=list)
    judgements: Judgements | None = None

    @classmethod
    def of(cls, stock: Stock, build: Build, recipe: TrainRecipe, seed: int, report: Progress, rank: int) -> "_Work":
        population = stock.population(build.population)
        judged = judged_log(stock, build.as_of_us, Judgement.from_dict(population.judgement))
        data = interactions(stock, judged)
        catalogue = stock.catalogue(build.as_of_us)
        facets = Yardstick.of(catalogue, population).facets
        facts, notes = ItemFacts.nothing(data.n_items), []
        if "behaviour" in recipe.models:
            if not rank:  # the others are told, so that the texts are read once
                settings = chosen_content(stock, catalogue)
                facts = item_facts(stock, catalogue, facets, settings, report)
                keep_content(stock, settings)
                index_meaning(stock, catalogue, report)
                notes = [] if settings else [NO_TEXT]
            facts = told(facts)
        return cls(stock, build, recipe, seed, report, rank, judged, data, facets, facts, tuple(notes))

    def models(self) -> list[dict[str, Any]]:
        """The recommenders, and the frozen vector of the heads."""
        trained = []
        for name, settings in self.recipe.models.items():
            model, folder = made(name, settings), self.stock.workspace.models
            if isinstance(model, Behaviour):
                self._fit(model, self.data, self.build.as_of_us, folder)
                wait()
            elif self.rank:
                continue
            else:
                with alone():  # a blend may have a behaviour model among its parts
                    self._fit(model, self.data, self.build.as_of_us, folder)
            one: dict[str, Any] = {"model": name, "notes": list(model.notes)}
            if isinstance(model, Behaviour):
                one |= {"version": model.version_name, "verdict": model.curve.words(self.stock.language)}
                self._draw(model)
                self._freeze(settings)
            trained.append(one)
        return trained

    def _fit(self, model: Model, data: Interactions, at_us: int, folder: Path) -> None:
        done = self.report.step(f"train {model.name}", None)
        model.use_items(self.facts).keep_in(folder, self.report)
        model.fit(data, at_us=at_us, seed=self.seed)
        done(1)
        if self.rank == 0:
            model.save(folder)
            (folder / "behaviour.checkpoint").unlink(missing_ok=True)

    def _freeze(self, settings: Mapping[str, Any]) -> None:
        """A second, small behaviour model, of what came before the earliest window that a head learns from."""
        if not self.recipe.heads:
            return
        early_us = Heads.earliest_us(self.data, self.build.as_of_us, self.stock.settings.heads)
        past = self.data.before(early_us)
        model = Behaviour(**{**SMALL, **{key: settings[key] for key in ("device", "threads") if key in settings}})
        if len(past):
            self._fit(model, past, early_us, self.stock.workspace.models / VECTOR)
            wait()
            self.frozen.append(model)

    def rankers(self) -> list[str]:
        """Learn what ranks a search and a recommendation, from what was bought after moments in the past."""
        if not self.recipe.ranker:
            return []
        als = self.recipe.models.get(Als.name)
        told: dict[str, Any] = {
            "taste": None if als is None else made(Als.name, als),
            "behaviour": next(iter(self.frozen), None),
            "seed": self.seed,
            "progress": self.report,
        }
        pairs: dict[str, Any] = {"judgements": self.judgements}
        stock, build, judged, data = self.stock, self.build, self.judged, self.data
        return [
            self._learnt("ranker", RANKER, lambda: learn_ranker(stock, build, judged, data, **told, **pairs)),
            self._learnt("recommender", RECOMMENDER, lambda: learn_for_you(stock, build, data, **told)),
        ]

    def _learnt(self, name: str, file: str, learn: Callable[[], Ranker]) -> str:
        """Keep what was learnt, and say from how much; too little is said."""
        try:
            ranker = learn()
        except NotReady as few:
            return f"{name}: {few}"
        ranker.save(self.stock.workspace.models / file)
        told = [f"{ranker.facts['questions']:,} {'questions' if name == 'ranker' else 'orders'}"]
        if "judged" in ranker.facts and self.judgements is not None:
            told = [*(told if ranker.facts["questions"] else []), f"{ranker.facts['judged']:,} judged queries"]
            told[-1] += f" ({self.judgements.note})" if self.judgements.unknown else ""
        return f"{name}: learnt from {' and '.join(told)}"

    def heads(self) -> list[str]:
        """Fit the heads; what is missing for one of them is in the notes."""
        if not self.recipe.heads:
            return []
        frozen = next(iter(self.frozen), None)
        heads = Heads.fit(
            self.data,
            at_us=self.build.as_of_us,
            facets=self.facets,
            traits=self._declared(),
            vectors=None if frozen is None else frozen.source(),
            settings=self.stock.settings.heads,
            seed=self.seed,
            progress=self.report,
        )
        heads.save(self.stock.workspace.models)
        return list(heads.notes)

    def _declared(self) -> dict[str, dict[int, str | int | float | bool]]:
        """Trait → user row → what was declared."""
        found: dict[str, dict[int, str | int | float | bool]] = {}
        for row, user in self.stock.catalog.declarations():
            for name, value in user.traits.items():
                found.setdefault(name, {})[row] = value
        return found

    def reviews(self) -> list[str]:
        """Fit the head of reviews on texts with ratings; too few are said."""
        if not self.recipe.reviews:
            return []
        judged = self.judged
        rated = judged[EVENT.TEXT].notnull() & judged[EVENT.RATING].notnull()
        kept = judged.filter(judged[JUDGED.VERDICT].isnull(), rated)
        said = kept.select(EVENT.TEXT, EVENT.RATING).to_pyarrow()
        if not len(said):
            return []
        labels = rating_labels(pc.cast(said[EVENT.RATING], "float64").to_numpy())
        try:
            head = train_review_head(said[EVENT.TEXT].to_pylist(), labels, seed=self.seed, progress=self.report)
        except NotReady as few:
            return [str(few)]
        head.save(self.stock.workspace.models / REVIEWS)
        return [f"reviews: {head.facts['held_out_accuracy']:.3f} of held-out reviews understood"]

    def _draw(self, model: Behaviour) -> None:
        """The learning curve, as numbers and as a picture."""
        if self.rank:
            return
        reports = self.stock.workspace.reports
        write_whole(reports / "behaviour.json", json.dumps(model.curve.to_dict(), ensure_ascii=False, indent=2))
        page = curve_page(model.curve, title=self.stock.settings.shop.name, language=self.stock.language)
        write_whole(reports / "behaviour.html", page)
