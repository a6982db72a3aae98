"""A sentence that can be said in more than one language: its English template, and the facts that fill it."""

from collections.abc import Callable, Collection, Mapping
from string import Formatter
from typing import Any, Literal

Language = Literal["en", "zh"]
Said = Callable[[object], object]
"""What a fact is put in a sentence as; one that needs nothing done is returned as it is."""


class Phrase(str):
    """The English sentence, and what it was made of. Facts: `template`, `facts`.

    A template without facts is said as it stands, braces and all. A list among the facts is said with commas between,
    or what stands behind the colon (`{names: or }`); a phrase among them in the language of the sentence.
    """

    __slots__ = ("facts", "template")
    template: str
    facts: Mapping[str, object]

    def __new__(cls, template: str, /, **facts: object) -> "Phrase":
        self = super().__new__(cls, fill(template, facts, ", ", lambda fact: fact))
        self.template, self.facts = template, facts
        return self

    def __getnewargs_ex__(self) -> tuple[tuple[str], dict[str, object]]:
        """For copies and other processes."""
        return (self.template,), dict(self.facts)


def fill(template: str, facts: Mapping[str, object], comma: str, said: Said) -> str:
    """The template with its facts, each put as `said` has it, lists with a `comma` between."""
    return _Filling(comma, said).vformat(template, (), facts) if facts else template


class _Filling(Formatter):
    def __init__(self, comma: str, said: Said) -> None:
        self._comma, self._said = comma, said

    def format_field(self, value: Any, format_spec: str) -> str:
        if isinstance(value, Collection) and not isinstance(value, str | bytes):
            return (format_spec or self._comma).join(str(self._said(one)) for one in value)
        return format(self._said(value), format_spec)
