"""Results of a search: what was understood, the facets with their counts, the order, the items, the pages."""

from dataclasses import replace

from nicegui import background_tasks, ui
from starlette.datastructures import QueryParams

from mien.core.impression import SEARCH
from mien.core.query import SORTS, Answer
from mien.profiles.local import number
from mien.ranking.answering import MAX_OFFSET
from mien.web.look.icons import icon
from mien.web.look.parts import El, chip, choice, drawn, link, told
from mien.web.storefront.asked import Search
from mien.web.storefront.cards import grid
from mien.web.storefront.facets import facets, value_name
from mien.web.storefront.shopping import Shopping
from mien.web.storefront.why import Asked

PAGE = 24


async def results(shopping: Shopping, asked: QueryParams) -> None:
    """What is found by the search of the address."""
    visit, search = shopping.visit, Search.of(asked)
    answer = await visit.ask(
        visit.shop.search,
        search.text,
        k=PAGE,
        filters=dict(search.filters),
        sort=search.sort,
        offset=search.first,
        literal=search.words,
        **shopping.asks(),
        shown=True,
    )
    if search.text:
        ui.page_title(f"{search.text} · {visit.shop.settings.shop.name}")
        if search == Search(search.text):
            background_tasks.create(shopping.searched(search.text), name="searched")
    with El("div.results"):
        with El("div.facets", role="group", aria_label=visit.say("filters")):
            facets(visit, search, answer.facets or {})
        with El("div.stack.wide"):
            head(shopping, search, answer)
            if not answer.results:
                told("search", visit.say("nothing_found"), visit.say("nothing_found_more"))
                return
            await grid(
                shopping, answer, Asked(search.text, "for-you" if search.text else SEARCH, filters=dict(search.filters))
            )
            if answer.total:  # else what is shown is no page of what was found
                pager(shopping, search, answer)


def head(shopping: Shopping, search: Search, answer: Answer) -> None:
    """What was searched for, how it was read, how many there are, and in which order."""
    visit = shopping.visit
    with El("div.page-head"):
        with El("div"):
            El("h1", f"“{search.text}”" if search.text else visit.say("all_items"))
            whose = visit.say("ranked_for", name=shopping.name) if answer.personalised else visit.say("ranked_any")
            El("p.note", f"{visit.say('results_n', n=number(answer.total))} · {whose} · {answer.took_ms:.0f} ms")
        orders = [(one, visit.say(f"sort_{one}")) for one in SORTS]
        choice(
            visit.say("sort"), orders, search.sort,
            lambda value: ui.navigate.to(replace(search, sort=value, first=0).address()), shown=True,
        )  # fmt: skip
    if answer.did_you_mean:
        with El("p.meant"):
            El("span", visit.say("did_you_mean"))
            link(answer.did_you_mean, Search(answer.did_you_mean).address(), "a.strong")
    for note in answer.notes:
        with El("div.banner", role="note"):
            drawn(icon("info", 18), "span.symbol")
            El("p", note)
    chosen(shopping, search, answer)


def chosen(shopping: Shopping, search: Search, answer: Answer) -> None:
    """What was read out of the words, and the filters that hold; each can be taken away."""
    visit = shopping.visit
    if not (answer.understood or search.filters):
        return
    with El("div.line.chosen"):
        for part in answer.understood:
            words = replace(search, words=(*search.words, part.text), first=0)
            text = named(shopping, part.facet, part.value)
            chip(text, "accent", remove=lambda w=words: ui.navigate.to(w.address()),
                 remove_label=visit.say("words_only", text=part.text))  # fmt: skip
        for facet, values in search.filters.items():
            for value in values:
                without = search.toggled(facet, value)
                text = named(shopping, facet, value)
                chip(text, remove=lambda w=without: ui.navigate.to(w.address()),
                     remove_label=visit.say("take_away", text=text))  # fmt: skip
        if len(search.filters) > 1:
            link(visit.say("take_all_away"), replace(search, filters={}, first=0).address(), "a.small")


def named(shopping: Shopping, facet: str, value: str) -> str:
    """A facet and a value of it."""
    visit = shopping.visit
    return visit.say("of", what=facet_name(shopping, facet), text=value_name(visit, facet, value))


def facet_name(shopping: Shopping, facet: str) -> str:
    """A facet for people; `brand!` excludes."""
    name = facet.rstrip("!")
    known = name in ("category", "brand", "colour", "price_band", "price")
    told_ = shopping.visit.say(name) if known else name
    return f"{shopping.visit.say('not_of')} {told_}" if facet.endswith("!") else told_


def pager(shopping: Shopping, search: Search, answer: Answer) -> None:
    """To the results before and after."""
    visit, last = shopping.visit, min(search.first + PAGE, answer.total)
    with El("nav.line.spread.pager", aria_label=visit.say("pages")):
        El(
            "span.note",
            visit.say("page_of", first=number(search.first + 1), last=number(last), total=number(answer.total)),
        )
        with El("div.line"):
            if search.first:
                before = replace(search, first=max(0, search.first - PAGE))
                with link("", before.address(), "a.button.small"):
                    drawn(icon("back", 16), "span.symbol")
                    El("span", visit.say("previous"))
            if (on := following(search.first, answer.total)) is not None:
                with link("", replace(search, first=on).address(), "a.button.small"):
                    El("span", visit.say("next_page"))
                    drawn(icon("next", 16), "span.symbol")


def following(first: int, total: int) -> int | None:
    """Where the next page begins; None where there is none, or none so far down."""
    on = first + PAGE
    return on if on < total and on <= MAX_OFFSET else None
