"""A mapping drafted from a source itself: from its columns' names, their types and what stands in them.

A draft is used at once where every question has one answer; otherwise its open questions go to a person.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import duckdb

from mien.collect.cells import text_sql
from mien.collect.engine import one_row
from mien.collect.mapping import TARGETS, Kind, Mapping
from mien.collect.raw import FILE, FLAW, ROW, Column, Raw
from mien.collect.times import DAY_FIRST, ISO, MONTH_FIRST, TimeGuess, guess_times, ordered
from mien.collect.vocabulary import Vocabulary, compact
from mien.core.event import Action
from mien.core.phrase import Phrase
from mien.core.tables import EVENT, ITEM, USER

Test = Callable[[str], bool]

SAMPLE_ROWS = 2_000
_WEAK: dict[str, tuple[str, ...]] = {
    EVENT.USER_ID: ("user", "customer", "visitor", "member", "buyer", "用户", "会员", "客户", "买家"),
    EVENT.ITEM_ID: ("item", "product", "goods", "sku", "商品", "产品"),
    EVENT.AT: ("time", "date", "时间", "日期"),
    EVENT.ACTION: ("action", "behav", "event", "行为", "动作"),
}
"""Parts of names that are taken where no name is known and only one column has them."""
_NUMERIC = (EVENT.VALUE, EVENT.QUANTITY, EVENT.RATING, ITEM.PRICE)
_IDS = (EVENT.USER_ID, EVENT.ITEM_ID)
_TIMES = (EVENT.AT, ITEM.VALID_FROM)


@dataclass(frozen=True, slots=True)
class Draft:
    """A drafted mapping, the `questions` a person has to answer (none: use it), and `notes` on what was assumed."""

    mapping: Mapping
    questions: tuple[Phrase, ...]
    notes: tuple[Phrase, ...]


def draft_mapping(con: duckdb.DuckDBPyConnection, raw: Raw, kind: Kind, vocabulary: Vocabulary) -> Draft:
    """The mapping of a source that came without one. Cost: a sample, and one pass over two columns at most."""
    return _Drafting(con, raw, kind, vocabulary).draft()


class _Drafting:
    def __init__(self, con: duckdb.DuckDBPyConnection, raw: Raw, kind: Kind, vocabulary: Vocabulary) -> None:
        self.con, self.raw, self.kind, self.vocabulary = con, raw, kind, vocabulary
        self.questions: list[Phrase] = []
        self.notes: list[Phrase] = []
        self.columns = {column.name: column for column in raw.columns}
        self.sample = self._sample()
        self.map: dict[str, tuple[str, ...]] = {}

    def draft(self) -> Draft:
        self._by_name()
        self._by_part_of_name()
        mapping = Mapping(self.kind)
        if self.kind == "events":
            self._by_content()
            mapping = self._with_action(mapping)
        self._require({"events": (EVENT.USER_ID,), "items": (ITEM.ITEM_ID,), "users": (USER.USER_ID,)}[self.kind])
        mapping = self._with_time(mapping)
        mapping = self._with_decimal(mapping)
        if self.raw.headerless:
            mapping = replace(mapping, columns=tuple(self.columns))
        traits = {} if self.kind == "items" else self._traits()
        ordered_map = {target: self.map[target] for target in TARGETS[self.kind] if target in self.map}
        return Draft(replace(mapping, map=ordered_map, traits=traits), tuple(self.questions), tuple(self.notes))

    def _sample(self) -> dict[str, list[str]]:
        """Column → its non-null texts among the first rows of the first files."""
        files = ", ".join("'" + file.name.replace("'", "''") + "'" for file in self.raw.files[:3])
        texts = ", ".join(text_sql(column) for column in self.raw.columns)
        rows = self.con.execute(
            f"SELECT {texts} FROM ({self.raw.relation}) WHERE {FLAW} IS NULL AND {FILE} IN ({files})"
            f" AND {ROW} <= {SAMPLE_ROWS} ORDER BY {FILE}, {ROW}"
        ).fetchall()
        columns = zip(*rows, strict=True) if rows else [()] * len(self.columns)
        return {name: [v for v in values if v is not None] for name, values in zip(self.columns, columns, strict=True)}

    def _free(self) -> list[str]:
        taken = {name for names in self.map.values() for name in names}
        return [name for name in self.columns if name not in taken]

    def _by_name(self) -> None:
        wanted: dict[str, list[str]] = {}
        for name in self.columns:
            for target in self.vocabulary.targets(self.kind, name):
                if self._fits(target, name):
                    wanted.setdefault(target, []).append(name)
        rank = {target: {word: k for k, word in enumerate(self._words(target))} for target in wanted}
        for target, names in sorted(wanted.items(), key=lambda pair: TARGETS[self.kind].index(pair[0])):
            names = sorted(
                (name for name in names if name in self._free()), key=lambda name: rank[target][compact(name)]
            )
            if not names:
                continue
            if target == EVENT.AT and (clock := self._date_and_clock(names)):
                self.map[target] = clock
                continue
            self.map[target] = (names[0],)
            if len(names) > 1:
                self._several(target, names, own=rank[target][compact(names[0])] == 0)

    def _words(self, target: str) -> list[str]:
        """The compact names that may mean `target`, the surest first."""
        return [word for word, targets in self.vocabulary.columns[self.kind].items() if target in targets]

    def _several(self, target: str, names: list[str], *, own: bool) -> None:
        if target in _IDS and not own:
            self.questions.append(
                Phrase(
                    "Which column is {target}: {names}? The draft takes {first}.",
                    target=target,
                    names=names,
                    first=names[0],
                )
            )
        else:
            self.notes.append(
                Phrase(
                    "{target} is taken from {column}; {others} is kept as a property.",
                    target=target,
                    column=names[0],
                    others=names[1:],
                )
            )

    def _date_and_clock(self, names: list[str]) -> tuple[str, ...] | None:
        """A date and a time of day in two columns."""
        clocks = [name for name in self.columns if _all(self.sample[name], _is_clock) and self.sample[name]]
        dates = [name for name in names if name not in clocks]
        return (dates[0], clocks[0]) if len(clocks) == 1 and dates else None

    def _by_part_of_name(self) -> None:
        for target, parts in _WEAK.items():
            if target not in TARGETS[self.kind] or target in self.map:
                continue
            names = [
                name
                for name in self._free()
                if any(part in compact(name) for part in parts) and self._fits(target, name)
            ]
            if len(names) == 1:
                self.map[target] = (names[0],)
                self.notes.append(
                    Phrase("{target} is taken from {column}, by a part of its name.", target=target, column=names[0])
                )

    def _by_content(self) -> None:
        if EVENT.ACTION not in self.map:
            actions = [name for name in self._free() if self._says_actions(name)]
            if len(actions) == 1:
                self.map[EVENT.ACTION] = (actions[0],)
                self.notes.append(
                    Phrase(
                        "{target} is taken from {column}, by what stands in it.", target=EVENT.ACTION, column=actions[0]
                    )
                )
        if EVENT.AT not in self.map:
            times = [name for name in self._free() if self._says_times(name)]
            if len(times) == 1:
                self.map[EVENT.AT] = (times[0],)
                self.notes.append(
                    Phrase("{target} is taken from {column}, by what stands in it.", target=EVENT.AT, column=times[0])
                )

    def _says_actions(self, name: str) -> bool:
        values = self.sample[name]
        return bool(values) and _all(values, lambda v: self.vocabulary.action(v) is not None)

    def _says_times(self, name: str) -> bool:
        if self.columns[name].is_time:
            return True
        guess = guess_times(self.sample[name])
        return guess is not None and not all(word.startswith(("unix", "%Y%m")) for word in guess.formats)

    def _fits(self, target: str, name: str) -> bool:
        """Does the column's content allow this meaning? An empty column allows any."""
        values, column = self.sample[name], self.columns[name]
        if target == EVENT.EVENT_ID and self.kind == "events":
            return len(set(values)) == len(values) > 0
        if target in _NUMERIC:
            return column.is_number or _share(values, _is_number) >= 0.9
        if target in _TIMES:
            return column.is_time or not values or guess_times(values) is not None or _all(values, _is_clock)
        if target == EVENT.ACTION:
            return not column.is_time and len(set(values)) <= 100
        if target in (EVENT.TEXT, ITEM.TITLE) and values:
            return _share(values, _is_number) < 0.9
        return not column.is_time

    def _require(self, targets: Iterable[str]) -> None:
        for target in targets:
            if target not in self.map:
                names = self._free() or Phrase("none is left")
                self.questions.append(
                    Phrase("Which column is {target}? Columns without a place: {names}.", target=target, names=names)
                )

    def _with_action(self, mapping: Mapping) -> Mapping:
        names = self.map.get(EVENT.ACTION)
        if names:
            return self._with_action_words(mapping, self.columns[names[0]])
        action = self._action_of_all()
        if action is None:
            self.questions.append(
                Phrase(
                    "What is each row? Name the column in [map] (action = …), or say it for all rows: action "
                    "= “purchase”."
                )
            )
            return mapping
        self.notes.append(Phrase("There is no column of actions; every row is taken as {action}.", action=action))
        return replace(mapping, action=action)

    def _action_of_all(self) -> Action | None:
        names = {compact(name) for name in self.columns}
        money = any(target in self.map for target in (EVENT.VALUE, EVENT.QUANTITY, ITEM.PRICE))
        if names & self.vocabulary.order_columns and money:
            return Action.PURCHASE
        if EVENT.RATING in self.map:
            return Action.RATE
        if EVENT.QUERY in self.map and EVENT.ITEM_ID not in self.map:
            return Action.SEARCH
        return None

    def _with_action_words(self, mapping: Mapping, column: Column) -> Mapping:
        text = f"lower({text_sql(column)})"
        counted = self.con.execute(
            f"SELECT {text} AS said, count(*) AS n FROM ({self.raw.relation})"
            f" WHERE {FLAW} IS NULL AND {text} IS NOT NULL GROUP BY 1 ORDER BY n DESC, said LIMIT 200"
        ).fetchall()
        words = [str(said) for said, _ in counted]
        if words and set(words) <= set(self.vocabulary.numbered):
            shown = ", ".join(f"{word} = {self.vocabulary.numbered[word]}" for word in sorted(words))
            self.notes.append(
                Phrase("The numbers of {name} are read as in the Taobao logs: {shown}.", name=column.name, shown=shown)
            )
            return replace(mapping, actions={word: self.vocabulary.numbered[word] for word in sorted(words)})
        known = {word: action for word in words if (action := self.vocabulary.action(word))}
        unknown = [word for word in words if word not in known]
        if words and not known:
            self.questions.append(
                Phrase(
                    "Which actions are {unknown} (column {name})? Say it in [actions], as in “{first}” = “view”.",
                    unknown=unknown[:10],
                    name=column.name,
                    first=unknown[0],
                )
            )
        elif unknown:
            self.notes.append(
                Phrase(
                    "Unknown actions become verdicts: {unknown}. Name them in [actions] to keep them.",
                    unknown=unknown[:10],
                )
            )
        return replace(mapping, actions={word: action for word, action in known.items() if word != str(action)})

    def _with_time(self, mapping: Mapping) -> Mapping:
        target = EVENT.AT if self.kind == "events" else ITEM.VALID_FROM
        names = self.map.get(target)
        if not names:
            if self.kind == "events":
                self.questions.append(
                    Phrase(
                        "Which column is the time? If there is none and the rows stand in order of time, say "
                        "time = “order”."
                    )
                )
            return mapping
        if self.columns[names[0]].is_time:
            return mapping
        values = self.sample[names[0]]
        if len(names) == 2:
            values = [" ".join(pair) for pair in zip(*(self.sample[name] for name in names), strict=False)]
        guess = guess_times(values) if values else TimeGuess((ISO,))
        if guess is None:
            self.questions.append(
                Phrase(
                    "How are the times of {column} written, as in “{value}”? Say it in time_format.",
                    column=names[0],
                    value=values[0],
                )
            )
            return mapping
        formats = self._ordered(guess, names) if guess.day_or_month else guess.formats
        return mapping if formats == (ISO,) else replace(mapping, time_format=formats)

    def _ordered(self, guess: TimeGuess, names: tuple[str, ...]) -> tuple[str, ...]:
        """Day and month in the order that the whole column proves."""
        text = text_sql(self.columns[names[0]])
        parts = ", ".join(
            f"count(*) FILTER (TRY_CAST(regexp_extract({text}, '^([0-9]+)[/.-]([0-9]+)', {group}) AS INTEGER) > 12)"
            for group in (1, 2)
        )
        over = one_row(self.con, f"SELECT {parts} FROM ({self.raw.relation}) WHERE {FLAW} IS NULL")
        if over[0] > over[1]:
            return ordered(guess.formats, DAY_FIRST)
        if over[1] > over[0]:
            return ordered(guess.formats, MONTH_FIRST)
        formats = ordered(guess.formats, MONTH_FIRST)
        self.questions.append(
            Phrase(
                "Is “{value}” ({column}) month first or day first? The draft says {drafted}; day first "
                "would be {other}.",
                value=self.sample[names[0]][0],
                column=names[0],
                drafted=formats[0],
                other=ordered(guess.formats, DAY_FIRST)[0],
            )
        )
        return formats

    def _with_decimal(self, mapping: Mapping) -> Mapping:
        values = [value for target in _NUMERIC for name in self.map.get(target, ()) for value in self.sample[name]]
        comma = [plain for value in values if "," in (plain := value.translate(_SIGNS))]
        if comma and all("." not in value.split(",")[-1] and len(value.split(",")[-1]) in (1, 2) for value in comma):
            return replace(mapping, decimal=",")
        return mapping

    def _traits(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for name in self._free():
            trait = self.vocabulary.traits.get(compact(name))
            if trait and trait not in found:
                found[trait] = name
        return found


def _is_number(value: str) -> bool:
    cleaned = value.translate(_SIGNS)
    if cleaned.count(",") == 1 and "." not in cleaned:
        cleaned = cleaned.replace(",", ".")
    try:
        float(cleaned.replace(",", ""))
    except ValueError:
        return False
    return True


_SIGNS = str.maketrans("", "", "¥￥$€£元 ")


def _is_clock(value: str) -> bool:
    parts = value.split(":")
    return len(parts) in (2, 3) and all(part.strip().isdigit() and len(part) <= 2 for part in parts)


def _share(values: list[str], test: Test) -> float:
    return sum(map(test, values)) / len(values) if values else 1.0


def _all(values: list[str], test: Test) -> bool:
    return all(map(test, values))
