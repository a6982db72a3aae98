"""One segment: who is in it, what tells them apart, who is like them, its history, and the way out as a file."""

from nicegui import ui
from starlette.datastructures import QueryParams

from mien.profiles.local import number, percent
from mien.shop.segment_tables import Lookalike
from mien.shop.segments import Members, Segment
from mien.web.console.alike import liked
from mien.web.console.guard import admin
from mien.web.console.segment_charts import facet_label, versus_table
from mien.web.console.segment_links import PATH, edit_address, segment_address
from mien.web.console.segments import whole
from mien.web.console.users import address
from mien.web.look.parts import El, button, card, choice, link, stat, waiting
from mien.web.look.visit import Visit

ROWS, MEMBERS, ALIKE, MOST_ALIKE, SHOWN_ALIKE = 40, 12, 100, 1000, 25


async def segment(visit: Visit, asked: QueryParams) -> None:
    """The segment `name`; `facet`: what it is compared in."""
    name, facet = asked.get("name", ""), asked.get("facet") or None
    api = visit.shop.segments
    history = await visit.ask(api.history, name)  # an unknown name is told at once; who is in it takes longer
    ui.page_title(name)
    place = El("div.stack.wide")
    with place:
        waiting(visit.say("loading"), 6)
    visit.ready.set()
    one = await visit.ask(api.get, name)
    versus = await visit.ask(api.versus, name, facet, ROWS)
    members = await visit.ask(api.members, name, MEMBERS)
    rfm, retention = await visit.ask(api.rfm, name), await visit.ask(api.retention, name)
    facets = [
        one.name.partition(".")[2] for one in await visit.ask(api.fields) if one.name.startswith(("tag.", "trait."))
    ]
    place.clear()
    with place:
        head(visit, one)
        with El("div.stats"):
            stat(visit.say("segment_size"), number(one.size or 0))
            stat(visit.say("segment_share"), percent(versus.size / versus.of, 1) if versus.of else "–")
            stat(visit.say("segment_version"), str(one.version), visit.moment(one.saved))
        with El("section.card"):
            El("p.mono", one.text)
            if one.note:
                El("p.note", one.note)
        with El("div.grid"):
            with card(visit.say("versus"), visit.say("versus_more"), spec="section.card.two-thirds"):
                options = [
                    ("", visit.say("all_facets")),
                    *((key, facet_label(visit, key)) for key in (*facets, "lifecycle")),
                ]
                choice(
                    visit.say("facet"),
                    options,
                    facet or "",
                    lambda key: ui.navigate.to(_with_facet(name, key)),
                    shown=True,
                )
                if versus.rows:
                    versus_table(visit, versus)
                else:
                    El("p.note", visit.say("versus_none"))
            with El("div.stack.wide.third"):
                with card(visit.say("lookalikes")):
                    await alike(visit, name)
                with card(visit.say("members")):
                    member_table(visit, members)
        if versus.size:
            whole(visit, rfm, retention)
        if len(history) > 1:
            with card(visit.say("history")):
                versions(visit, history)


def head(visit: Visit, one: Segment) -> None:
    """The name, and what can be done."""
    with El("div.page-head"):
        with El("div"):
            link(visit.say("nav_segments"), PATH, "a.note")
            El("h1", one.name)
        with El("div.line"):
            if visit.may("admin"):
                link(visit.say("edit"), edit_address(one.name), "a.button")
                for form in ("csv", "parquet"):
                    button(
                        visit.say(f"export_{form}"), lambda form=form: export(visit, one.name, form), symbol="download"
                    )
                button(visit.say("delete"), lambda: ask_delete(visit, one.name), "danger", symbol="trash")


async def export(visit: Visit, name: str, form: str) -> None:
    """All members as a file; noted in the audit."""
    if not admin(visit):
        return
    content = await visit.ask(visit.shop.segments.exported, name, form, by=visit.key_id)
    ui.download.content(content, f"{name}.{form}")


async def ask_delete(visit: Visit, name: str) -> None:
    """Delete it once that is confirmed."""
    with visit.client, ui.dialog() as dialog, El("div.sheet", role="alertdialog", aria_label=visit.say("delete")):

        async def delete() -> None:
            if not admin(visit):
                return
            await visit.ask(visit.shop.segments.delete, name)
            dialog.close()
            ui.navigate.to(PATH)

        El("h2", visit.say("delete_sure", name=name))
        El("p.note", visit.say("delete_more"))
        with El("div.line"):
            button(visit.say("delete"), delete, "danger")
            button(visit.say("cancel"), dialog.close, "quiet")
    dialog.open()


async def alike(visit: Visit, name: str) -> None:
    """Look-alikes of a size that a slider sets."""
    place = El("div.stack.wide")

    async def show(size: str) -> None:
        n = max(10, min(MOST_ALIKE, int(size)))
        found = await visit.ask(visit.shop.segments.lookalike, name, n)
        place.clear()
        with place:
            draw_alike(visit, found)

    with El("label.field"):
        label = El("span", visit.say("alike_size", n=ALIKE))
        slider = El("input.range", type="range", min=10, max=MOST_ALIKE, step=10, value=ALIKE)
        slider.act("input", lambda size: label.set_text(visit.say("alike_size", n=size)), "e.target.value")
        slider.act("change", show, "e.target.value")
    place.move(target_index=-1)
    await show(str(ALIKE))


def draw_alike(visit: Visit, found: Lookalike) -> None:
    """How alike they are, and the first of them."""
    if not found.users or found.inside is None:
        El("p.note", visit.say("lookalikes_none"))
        return
    El("p.note", visit.say("alike_more", inside=percent(found.inside)))
    likeness = [one.likeness for one in found.users]
    El("p.note", visit.say("alike_floor", least=percent(likeness[-1]), middle=percent(likeness[len(likeness) // 2])))
    caption = visit.say("lookalikes")
    with El("div.scroll.short", tabindex=0, role="region", aria_label=caption), El("table.table"):
        El("caption.hidden", caption)
        with El("thead"), El("tr"):
            El("th", visit.say("user"), scope="col")
            El("th.n", visit.say("likeness_of"), scope="col")
            El("th", visit.say("shared"), scope="col")
        with El("tbody"):
            for one in found.users[:SHOWN_ALIKE]:
                with El("tr"):
                    with El("th", scope="row"):
                        link(one.user_id, address(one.user_id), "a.mono")
                    El("td.n", percent(one.likeness))
                    El("td.small", " · ".join(liked(visit, shared) for shared in one.shared[:3]))


def member_table(visit: Visit, found: Members) -> None:
    """The first members."""
    if not found.members:
        El("p.note", visit.say("members_none"))
        return
    caption = visit.say("members")
    with El("div.scroll", tabindex=0, role="region", aria_label=caption), El("table.table"):
        El("caption.hidden", caption)
        with El("thead"), El("tr"):
            El("th", visit.say("user"), scope="col")
            El("th", visit.say("lifecycle"), scope="col")
            El("th.n", visit.say("spent"), scope="col")
            El("th.n", visit.say("rfm_short"), scope="col")
        with El("tbody"):
            for one in found.members:
                with El("tr"):
                    with El("th", scope="row"):
                        link(one.user_id, address(one.user_id), "a.mono")
                    El("td", visit.stage(one.lifecycle))
                    El("td.n", visit.money(one.spend) if one.spend is not None else "–")
                    El("td.n", one.rfm or "–")
    El("p.note", visit.say("page_of", first=1, last=number(len(found.members)), total=number(found.total)))


def versions(visit: Visit, history: list[Segment]) -> None:
    """Every version of the rule, newest first."""
    with El("ol.stack"):
        for one in history:
            with El("li"):
                El("p.note", f"{visit.say('segment_version')} {one.version} · {visit.moment(one.saved)} {one.note}")
                El("p.mono.small", one.text)


def _with_facet(name: str, facet: str) -> str:
    return f"{segment_address(name)}&facet={facet}" if facet else segment_address(name)
