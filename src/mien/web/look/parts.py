"""The parts of pages: plain elements with classes of `look.css`, and what is put together from them.

Texts of strangers go in as text, never as markup; `drawn` takes markup of our own.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from nicegui import ui
from nicegui.elements.mixins.text_element import TextElement
from nicegui.events import GenericEventArguments

from mien.web.look.icons import icon

Act = Callable[..., Any]


class El(TextElement):
    """An HTML element, with text or with what is put inside: `with El("section.card"): El("h2", "Tags")`.

    `spec`: tag and classes, "a.button.quiet". `attributes`: a trailing underscore is left out (`for_`), others become
    dashes (`aria_label`); False and None leave the attribute out.
    """

    def __init__(self, spec: str, text: str = "", **attributes: str | float | bool | None) -> None:
        tag, *classes = spec.split(".")
        super().__init__(tag=tag or "div", text=text)
        self.classes(" ".join(classes))
        for name, value in attributes.items():
            self.put(name, value)

    def put(self, name: str, value: str | float | bool | None) -> "El":
        """Set an attribute, or take it away with None or False."""
        name = name.rstrip("_").replace("_", "-")
        if self.tag == "input" and name in ("value", "checked"):
            name = f"^{name}"  # where an input begins; what was typed since stays when the element is drawn anew
        if value is None or value is False:
            self.props.pop(name, None)
        else:
            self.props[name] = "true" if value is True and name.startswith("aria-") else value
        return self

    def act(self, event: str, then: Act, value: str = "") -> "El":
        """Do something on an event; `value`: a JavaScript expression of the event `e` that is handed over."""

        async def done(given: GenericEventArguments) -> None:
            result = then(given.args) if value else then()
            if result is not None:
                await result

        if value:
            self.on(event, done, js_handler=f"(e) => emit({value})")
        else:
            self.on(event, done, args=[])
        return self


def drawn(markup: str, spec: str = "div") -> ui.html:
    """Markup of our own: an icon, a picture, a bar. What strangers wrote must be escaped in it."""
    tag, *classes = spec.split(".")
    return ui.html(markup, sanitize=False, tag=tag).classes(" ".join(classes))


def button(text: str, then: Act, kind: str = "", *, symbol: str = "", label: str = "", **attributes: Any) -> El:
    """A button. `kind`: classes such as "primary", "quiet" or "danger"; `label`: its name where it shows no text."""
    made = El(f"button.button{'.' + kind if kind else ''}", type="button", aria_label=label or None, **attributes)
    with made:
        if symbol:
            drawn(icon(symbol, 16 if "small" in kind else 20), "span.symbol")
        if text:
            El("span", text)
    return made.act("click", then)


def link(text: str, target: str, spec: str = "a", **attributes: Any) -> El:
    """A link to another page."""
    return El(spec, text, href=target, **attributes)


def card(title: str = "", note: str = "", *, spec: str = "section.card", level: int = 2) -> El:
    """A surface with a heading; what follows in `with` stands under it."""
    made = El(spec)
    if title:
        with made, El("header.card-head"):
            El(f"h{level}", title)
            if note:
                El("p.note", note)
    return made


def stat(label: str, value: str, note: str = "", *, symbol: str = "") -> El:
    """One figure with what it is."""
    made = El("div.stat")
    with made:
        El("span.stat-label", label)
        El("span.stat-value", value)
        if note:
            El("span.note", note)
        if symbol:
            drawn(icon(symbol), "span.stat-symbol")
    return made


def chip(text: str, kind: str = "", *, remove: Act | None = None, remove_label: str = "") -> El:
    """A small label; with `remove` it can be taken away."""
    made = El(f"span.chip{'.' + kind if kind else ''}")
    with made:
        El("span", text)
        if remove is not None:
            with El("button.chip-x", type="button", aria_label=remove_label).act("click", remove):
                drawn(icon("close", 14), "span.symbol")
    return made


def told(symbol: str, title: str, text: str = "", kind: str = "empty") -> El:
    """An empty or failed state: what there is not, why, and what to do."""
    made = El(f"div.state.{kind}", role="alert" if kind == "failed" else None)
    with made:
        drawn(icon(symbol, 28), "span.state-symbol")
        El("p.state-title", title)
        if text:
            El("p.note", text)
    return made


def table(heads: Sequence[str], rows: Iterable[Sequence[str]], *, numbers: Iterable[int] = (), caption: str) -> El:
    """A table of text, its first column naming the row. `numbers`: columns to set flush right."""
    right = set(numbers)
    frame = El("div.scroll", tabindex=0, role="region", aria_label=caption)
    with frame, El("table.table"):
        El("caption.hidden", caption)
        with El("thead"), El("tr"):
            for k, head in enumerate(heads):
                El("th.n" if k in right else "th", head, scope="col")
        with El("tbody"):
            for row in rows:
                with El("tr"):
                    for k, cell in enumerate(row):
                        spec = "th" if k == 0 else "td"
                        El(f"{spec}.n" if k in right else spec, cell, scope="row" if k == 0 else None)
    return frame


def choice(label: str, options: Iterable[tuple[str, str]], chosen: str, then: Act, *, shown: bool = False) -> El:
    """A native select: `options` are `(value, text)`, `then` is handed the value. `shown`: its label is visible."""
    made = El("label.choice")
    with made:
        El("span" if shown else "span.hidden", label)
        with El("select").act("change", then, "e.target.value"):
            for value, text in options:
                El("option", text, value=value, selected=value == chosen)
    return made


def switch(label: str, on: bool, then: Act) -> El:
    """A switch that says its state to everybody; `then` is handed the new one."""
    made = El("label.switch")
    with made:
        El("input", type="checkbox", role="switch", checked=on).act("change", then, "e.target.checked")
        El("span.switch-track", aria_hidden=True)
        El("span", label)
    return made


def waiting(label: str, lines: int = 3) -> El:
    """A place where something is about to be."""
    made = El("div.waiting", role="status", aria_label=label)
    with made:
        for _ in range(lines):
            El("span.waiting-line")
    return made
