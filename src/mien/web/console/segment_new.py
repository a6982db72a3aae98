"""The page where a segment is built: the rule, whom it fits, its text, and the name it is saved under."""

from dataclasses import dataclass

from nicegui import ui
from starlette.datastructures import QueryParams

from mien.core.errors import MienError
from mien.profiles.local import number, percent
from mien.shop.segments import Preview
from mien.web.console.builder import Builder
from mien.web.console.guard import admin
from mien.web.console.segment_links import segment_address
from mien.web.console.users import address
from mien.web.look.icons import icon
from mien.web.look.parts import El, button, card, drawn, link, waiting
from mien.web.look.visit import Visit


async def segment_new(visit: Visit, asked: QueryParams) -> None:
    """A new rule, or that of the segment `name` to be changed."""
    ui.page_title(visit.say("segment_new"))
    name = asked.get("name", "")
    with El("div.page-head"), El("div"):
        El("h1", name or visit.say("segment_new"))
        El("p.note", visit.say("builder_lead"))
    place = El("div.grid")
    with place:
        waiting(visit.say("loading"), 6)
    visit.ready.set()
    fields = await visit.ask(visit.shop.segments.fields)
    rule = (await visit.ask(visit.shop.segments.get, name)).rule if name else None
    place.clear()
    with place:
        page = Page(visit)
        with El("div.stack.wide.two-thirds"):
            with card(visit.say("segment_rule")):
                builder = Builder(visit, fields, page.told)
            with card(visit.say("as_text"), visit.say("as_text_more")):
                page.text(builder)
        with El("div.stack.wide.third.sticky"):
            with card(visit.say("whom")):
                page.whom = El("div.stack", aria_live="polite")
            with card(visit.say("save")):
                page.saving(builder, name)
        if rule is not None:
            builder.take(rule)
        else:
            builder.draw()
        await builder.changed()


@dataclass(eq=False)
class Page:
    """The parts beside the rule."""

    visit: Visit
    whom: El | None = None
    box: El | None = None
    wrong: El | None = None
    save: El | None = None
    name: str = ""
    note: str = ""
    typed: str = ""

    def told(self, found: Preview | None, wrong: str) -> None:
        """Show whom the rule fits, or what is wrong with it."""
        visit = self.visit
        assert self.whom is not None
        assert self.box is not None
        self.whom.clear()
        if found is not None:
            self.typed = self.box.props["value"] = found.text
            self.box.update()
        with self.whom:
            if wrong:
                problem(wrong)
            elif found is None:
                El("p.note", visit.say("whom_none"))
            else:
                fits(visit, found)

    def text(self, builder: Builder) -> None:
        """The rule as text, to be read and changed."""
        visit = self.visit
        self.box = El(
            "textarea.input.mono", rows=3, aria_label=visit.say("as_text"), spellcheck="false", maxlength=20_000
        )
        self.box.act("input", lambda text: setattr(self, "typed", text), "e.target.value")
        wrong = El("div.slot")

        async def apply() -> None:
            wrong.clear()
            try:
                builder.take(await visit.ask(visit.shop.segments.rule, self.typed))
            except MienError as error:
                with wrong:
                    problem(visit.why(error))
                return
            await builder.changed()

        with El("div.line"):
            button(visit.say("apply_rule"), apply, "small")

    def saving(self, builder: Builder, name: str) -> None:
        """Name, note, and the button."""
        visit = self.visit
        if not visit.may("admin"):
            El("p.note", visit.say("needs_admin"))
            return
        self.name = name
        wrong = El("div.slot")

        async def save() -> None:
            wrong.clear()
            if not admin(visit):
                return
            try:
                if builder.rule is None:
                    raise_nothing(visit)
                else:
                    saved = await visit.ask(visit.shop.segments.save, self.name.strip(), builder.rule, self.note)
                    ui.navigate.to(segment_address(saved.name))
                    return
            except MienError as error:
                with wrong:
                    problem(visit.why(error))

        with El("label.field"):
            El("span", visit.say("save_name"))
            El("input.input", value=name, maxlength=100, autocomplete="off").act(
                "input", lambda text: setattr(self, "name", text), "e.target.value"
            )
        with El("label.field"):
            El("span", visit.say("save_note"))
            El("input.input", maxlength=1000, autocomplete="off").act(
                "input", lambda text: setattr(self, "note", text), "e.target.value"
            )
        button(visit.say("save"), save, "primary")


def raise_nothing(visit: Visit) -> None:
    """There is no rule to save."""
    raise MienError(visit.say("whom_none"))


def problem(text: str) -> None:
    """What is wrong, in a line that readers hear."""
    with El("div.banner.bad", role="alert"):
        drawn(icon("warn", 18), "span.symbol")
        El("p", text)


def fits(visit: Visit, found: Preview) -> None:
    """How many, which share, and some of them."""
    El("p.big", number(found.size))
    share = percent(found.size / found.of, 1) if found.of else "–"
    El("p.note", visit.say("whom_of", share=share, of=number(found.of)))
    wide = 100 * found.size / found.of if found.of else 0.0
    drawn(f'<span class="bar-track" aria-hidden="true"><i style="width:{wide:.2f}%"></i></span>', "div")
    if found.sample:
        El("p.note.small", visit.say("whom_some"))
        with El("div.line"):
            for user in found.sample:
                link(user, address(user), "a.chip.mono")
