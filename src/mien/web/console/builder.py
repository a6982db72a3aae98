"""The rule builder: groups and lines one clicks together, with who they fit shown as one builds."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from nicegui import ui

from mien.core.errors import MienError
from mien.shop.segments import Field, Preview
from mien.web.console.builder_words import groups, main_field, op_choices, parts_of, value_name, with_part
from mien.web.console.rule_tree import Group, Line, json_of, tree_of
from mien.web.look.icons import icon
from mien.web.look.parts import El, button, drawn
from mien.web.look.visit import Visit

BOUNDS = (("lift", ">="), ("confidence", ">="), ("days", "<="))
"""What a line about a tag offers beside its value."""
OFFERED = 40
"""Values that are offered while one types."""
FEW = 30
"""Up to so many values are chosen from a list; more are typed, with suggestions."""

Told = Callable[[Preview | None, str], Awaitable[None] | None]
"""Is told whom the rule fits (None: nothing is finished), and what is wrong with it."""


@dataclass(eq=False)
class Builder:
    """One rule under construction. `told` hears of every change."""

    visit: Visit
    fields: Sequence[Field]
    told: Told
    tree: Group = field(default_factory=lambda: Group("all", [Line()]))
    rule: dict[str, Any] | None = None
    _asked: int = 0

    def __post_init__(self) -> None:
        self.known: Mapping[str, Field] = {one.name: one for one in self.fields}
        self.kinds = {one.name: one.kind for one in self.fields}
        self.place = El("div.rule")

    def take(self, rule: Mapping[str, Any]) -> None:
        """Show a rule that is given as JSON."""
        self.tree = tree_of(rule)
        self.draw()

    def draw(self, focus: str = "") -> None:
        """Draw the tree anew; `focus`: the id of the control that has the keyboard."""
        self.place.clear()
        with self.place:
            self._group(self.tree, None)
        if focus:
            ui.run_javascript(f"document.getElementById('{focus}')?.focus()")

    async def changed(self) -> None:
        """Ask whom the rule fits now; an answer that comes after a newer question is dropped."""
        self._asked += 1
        asked, self.rule = self._asked, json_of(self.tree, self.kinds)
        if self.rule is None:
            await self._tell(None, "")
            return
        try:
            found, wrong = await self.visit.ask(self.visit.shop.segments.preview, self.rule), ""
        except MienError as error:
            found, wrong = None, self.visit.why(error)
        if asked == self._asked:
            if wrong:
                self.rule = None
            await self._tell(found, wrong)

    async def _tell(self, found: Preview | None, wrong: str) -> None:
        said = self.told(found, wrong)
        if said is not None:
            await said

    # -- groups -----------------------------------------------------------------------------------------------

    def _group(self, group: Group, above: Group | None) -> None:
        say = self.visit.say
        with El("fieldset.rule-group"):
            El("legend.hidden", say("all_of" if group.kind == "all" else "any_of"))
            with El("div.line"):
                self._not(group)
                with El("div.choices", role="group"):
                    for kind in ("all", "any"):
                        El("button", say(f"{kind}_of"), type="button",
                           aria_pressed="true" if group.kind == kind else "false").act(
                               "click", partial(self._set, group, "kind", kind, redraw=True))  # fmt: skip
                if above is not None:
                    button("", lambda: self._drop(above, group), "quiet.small.icon-only", symbol="close",
                           label=say("remove"))  # fmt: skip
            with El("div.rule-parts"):
                for part in group.parts:
                    if isinstance(part, Group):
                        self._group(part, group)
                    else:
                        self._line(part, group)
            with El("div.line"):
                button(say("add_line"), lambda: self._add(group, Line()), "small", symbol="plus")
                button(say("add_group"), lambda: self._add(group, Group("any", [Line()])), "small.quiet", symbol="plus")

    async def _add(self, group: Group, part: Line | Group) -> None:
        group.parts.append(part)
        self.draw(_id(part if isinstance(part, Line) else part.parts[0]))

    async def _drop(self, group: Group, part: Line | Group) -> None:
        group.parts.remove(part)
        await self.changed()
        self.draw()

    async def _set(self, node: Line | Group, name: str, value: object, *, redraw: bool = False) -> None:
        setattr(node, name, value)
        await self.changed()  # before the control that was used gives way: what runs in its name ends with it
        if redraw:
            self.draw(_id(node) if isinstance(node, Line) else "")

    def _not(self, node: Line | Group) -> None:
        El("button.button.small.negate", self.visit.say("negate"), type="button",
           aria_pressed="true" if node.negated else "false").act(
               "click", lambda: self._set(node, "negated", not node.negated, redraw=True))  # fmt: skip

    # -- lines ------------------------------------------------------------------------------------------------

    def _line(self, line: Line, group: Group) -> None:
        visit = self.visit
        with El("div.rule-line"):
            self._not(line)
            self._select(visit.say("rule_field"), groups(visit, self.fields), main_field(line.field),
                         lambda chosen: self._choose(line, chosen), id_=_id(line))  # fmt: skip
            for k, (label, options, chosen) in enumerate(parts_of(visit, line.field)):
                self._select(label, [("", options)], chosen, partial(self._part, line, k))
            if line.field:
                ops = op_choices(self.known.get(line.field))
                self._select(visit.say("rule_op"), [("", [(op, op) for op in ops])], line.op,
                             lambda op: self._set(line, "op", op, redraw=True))  # fmt: skip
                self._value(line)
            if line.field.startswith("tag."):
                self._bounds(line)
            with El("button.button.quiet.small.icon-only.rule-drop", type="button", aria_label=visit.say("remove")).act(
                "click", lambda: self._drop(group, line)
            ):
                drawn(icon("close", 16), "span.symbol")

    async def _part(self, line: Line, place: int, part: str) -> None:
        await self._set(line, "field", with_part(line.field, place, part))

    async def _choose(self, line: Line, chosen: str) -> None:
        """Another field: what was compared goes."""
        line.field = {"count": "count.purchase.90d", "recency": "recency"}.get(chosen, chosen)
        known = self.known.get(line.field)
        line.op = ">=" if known is not None and known.kind == "number" else "="
        line.value, line.bounds = "", {}
        await self.changed()
        self.draw(_id(line))

    def _value(self, line: Line) -> None:
        label = self.visit.say("rule_value")
        known = self.known.get(line.field)
        values = known.values if known is not None else ()
        if values and len(values) <= FEW and line.op != "in":
            options = [(one, value_name(self.visit, line.field, one)) for one in values]
            if line.value not in values:
                options.insert(0, (line.value, line.value or self.visit.say("choose_field")))
            self._select(label, [("", options)], line.value, lambda value: self._set(line, "value", value))
            return
        number = known is not None and known.kind == "number" and line.op != "in"
        offered = f"o{id(line)}" if values else None
        box = El("input.input.rule-value", type="number" if number else "text", value=line.value, aria_label=label,
                 step="any" if number else None, list=offered, autocomplete="off", maxlength=500)  # fmt: skip
        box.act("change", lambda value: self._set(line, "value", value), "e.target.value")
        if offered:
            place = El("datalist", id=offered)
            self._offer(place, values, "")
            box.act("input", lambda typed: self._offer(place, values, typed), "e.target.value")

    def _offer(self, place: El, values: Sequence[str], typed: str) -> None:
        """The values that hold what was typed last, those that begin with it first."""
        text = typed.rpartition(",")[2].strip().casefold()
        found = [one for one in values if text in one.casefold()]
        found.sort(key=lambda one: not one.casefold().startswith(text))
        place.clear()
        with place:
            for one in found[:OFFERED]:
                El("option", value=one)

    def _bounds(self, line: Line) -> None:
        for bound in BOUNDS:
            label = self.visit.say(f"b_{bound[0]}")
            with El("label.rule-bound"):
                El("span", label)
                El("input.input", type="number", step="any", min=0, value=line.bounds.get(bound, "")).act(
                    "change", partial(self._bound, line, bound), "e.target.value"
                )

    async def _bound(self, line: Line, bound: tuple[str, str], value: str) -> None:
        line.bounds[bound] = value
        await self.changed()

    def _select(
        self, label: str, options: Sequence[tuple[str, Sequence[tuple[str, str]]]], chosen: str,
        then: Callable[[str], Any], id_: str | None = None,
    ) -> None:  # fmt: skip
        """A native select; options in groups, a group without a name stands open."""
        with El("select", aria_label=label, id=id_).act("change", then, "e.target.value"):
            for name, choices in options:
                with El("optgroup", label=name) if name else nullcontext():
                    for value, text in choices:
                        El("option", text, value=value, selected=value == chosen)


def _id(line: Line | Group) -> str:
    return f"r{id(line)}"
