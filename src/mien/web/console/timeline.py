"""What a person did, newest first: filtered by action, in pages."""

from mien.profiles.local import number
from mien.shop.people import Deed, Person
from mien.web.look.parts import El, button, card
from mien.web.look.visit import Visit

PAGE = 20


def draw(visit: Visit, person: Person) -> None:
    """The timeline; its filter and pages stay within the card."""
    counts = person.deeds(limit=0).actions
    chosen, begun = [""], [0]
    with card(visit.say("timeline"), visit.say("timeline_note")):
        if not counts:
            El("p.note", visit.say("timeline_none"))
            return
        with El("div.segmented", role="group", aria_label=visit.say("action")):
            ordered = sorted(counts.items(), key=lambda pair: -pair[1])
            tabs = {"": El("button", f"{visit.say('all')} {number(sum(counts.values()))}", type="button")}
            tabs |= {a: El("button", f"{visit.say('act_' + a)} {number(n)}", type="button") for a, n in ordered}
        place = El("div.stack")

        def show() -> None:
            action, first = chosen[0], begun[0]
            for name, tab in tabs.items():
                tab.put("aria_pressed", "true" if name == action else "false")
            found = person.deeds(action, PAGE, first)
            place.clear()
            with place:
                listed(visit, found.deeds)
                if found.total > PAGE:
                    pages(first, found.total)

        def pages(first: int, total: int) -> None:
            with El("nav.line.spread", aria_label=visit.say("pages")):
                last = min(first + PAGE, total)
                El("span.note", visit.say("page_of", first=number(first + 1), last=number(last), total=number(total)))
                with El("div.line"):
                    back, on = first > 0, last < total
                    button(visit.say("previous"), lambda: turn(first - PAGE), "small", disabled=not back)
                    button(visit.say("next_page"), lambda: turn(first + PAGE), "small", disabled=not on)

        def turn(first: int) -> None:
            begun[0] = max(0, first)
            show()

        def choose(action: str) -> None:
            chosen[0], begun[0] = action, 0
            show()

        for name, tab in tabs.items():
            tab.act("click", lambda name=name: choose(name))
        show()


def listed(visit: Visit, deeds: tuple[Deed, ...]) -> None:
    """A line a deed."""
    with El("div.scroll", tabindex=0, role="region", aria_label=visit.say("timeline")), El("table.table.lines"):
        El("caption.hidden", visit.say("timeline"))
        with El("thead"), El("tr"):
            for spec, name in (
                ("th", "when"),
                ("th", "action"),
                ("th", "what"),
                ("th.n", "pieces"),
                ("th.n", "money_"),
            ):
                El(spec + (".wide-only" if name == "pieces" else ""), visit.say(name), scope="col")
        with El("tbody"):
            for deed in deeds:
                with El("tr", title=deed.event_id):
                    El("td.nowrap.note", visit.moment(deed.at))
                    with El("td"):
                        El("span.chip", visit.say(f"act_{deed.action}"))
                    El("td", deed.title or deed.query or deed.item_id or deed.text or "–")
                    El("td.n.wide-only", number(deed.quantity) if deed.item_id else "")
                    El("td.n", visit.money(deed.value) if deed.value else "")
