"""Chinese and English are equals: whatever Mien says in one it says in the other, with the same facts."""

import ast
import pickle
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import mien
from mien.core import errors
from mien.core.errors import MienError, SourceError, UnknownName, UsageError
from mien.core.phrase import Phrase
from mien.prepare.reasons import describe
from mien.translation import catalogue, say

SOURCE = Path(mien.__file__).parent
ERRORS = {name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, MienError)}
ERRORS |= {
    node.name
    for path in SOURCE.rglob("*.py")
    for node in ast.walk(ast.parse(path.read_text()))
    if isinstance(node, ast.ClassDef) and any(isinstance(base, ast.Name) and base.id in ERRORS for base in node.bases)
}
SPEAKERS = ERRORS - {"MissingExtra"} | {"Phrase", "put", "tell"}
"""What is called with a template; of an extra's error the template stands in its class."""


def templates() -> Iterator[tuple[str, ast.expr]]:
    """Where each sentence stands, and what it is written as."""
    for path in SOURCE.rglob("*.py"):
        tree = ast.parse(path.read_text())
        own = {id(call) for call in own_sentences(tree)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and node.args and (called(node) in SPEAKERS or id(node) in own):
                for said in branches(node.args[0]):
                    yield f"{path.relative_to(SOURCE)}:{node.lineno}", said


def own_sentences(tree: ast.Module) -> Iterator[ast.Call]:
    """`super().__init__(…)` in the classes of errors."""
    for kind in ast.walk(tree):
        if isinstance(kind, ast.ClassDef) and any(isinstance(b, ast.Name) and b.id in ERRORS for b in kind.bases):
            for node in ast.walk(kind):
                if isinstance(node, ast.Call) and ast.unparse(node.func) == "super().__init__":
                    yield node


def called(node: ast.Call) -> str:
    """The name of a function; what another thing `put`s is no sentence."""
    return node.func.id if isinstance(node.func, ast.Name) else ""


def branches(said: ast.expr) -> Iterator[ast.expr]:
    """A sentence, or each that may be said there."""
    if isinstance(said, ast.IfExp):
        yield from branches(said.body)
        yield from branches(said.orelse)
    elif isinstance(said, ast.Subscript) and isinstance(said.value, ast.Dict):
        yield from said.value.values
    else:
        yield said


def sentences() -> dict[str, str]:
    """Template → where it stands."""
    found = list(templates())
    assert len(found) > 500
    return {s.value: at for at, s in found if isinstance(s, ast.Constant) and isinstance(s.value, str)}


def refusals() -> Iterator[tuple[str, str]]:
    """Each reason for which a message or a row is refused, as it is kept; numbers and names stand for the facts."""
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and called(node) in ("_Refused", "Refusal") and len(node.args) > 1:
                said = node.args[1]
                if isinstance(said, ast.JoinedStr):
                    parts = [part.value if isinstance(part, ast.Constant) else "7" for part in said.values]
                    yield f"{path.relative_to(SOURCE)}:{node.lineno}", "".join(map(str, parts))
                elif isinstance(said, ast.Constant):
                    yield f"{path.relative_to(SOURCE)}:{node.lineno}", str(said.value)


def facts(template: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(template) if name}


def test_every_sentence_has_a_chinese_twin() -> None:
    missing = [f"{at}: {sentence}" for sentence, at in sentences().items() if sentence not in catalogue()]
    assert not missing, "give them a Chinese twin in src/mien/translation:\n" + "\n".join(missing)


def test_why_a_message_is_refused_has_a_chinese_twin() -> None:
    found = list(refusals())
    assert len(found) > 9
    missing = [f"{at}: {text}" for at, text in found if say(text, "zh") == text and " " in text]
    assert not missing, "give them a Chinese twin in src/mien/translation/finished.toml:\n" + "\n".join(missing)


def test_every_word_for_a_refusal_is_described() -> None:
    words = {
        node.args[0].value
        for path in SOURCE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and called(node) in ("_Refused", "Refusal") and node.args
        if isinstance(node.args[0], ast.Constant)
    }
    assert len(words) > 9
    assert not [word for word in words if describe(str(word), "zh").isascii()]


def test_a_finished_sentence_is_known_by_its_shape() -> None:
    assert say("12 bytes; a message may have 7", "zh") == "12 字节；一条消息最多 7 字节"
    assert say(
        "ranker: There is nothing to learn an order from: no question has candidates that differ in outcome.", "zh"
    ) == ("搜索排序：没有可以学习排序的数据：没有一次提问的候选结果有差别。")
    assert say("Tea from Hangzhou is good.", "zh") == "Tea from Hangzhou is good."


def test_a_sentence_is_a_template_with_its_facts_by_name() -> None:
    """An f-string has forgotten which part is a fact, so nobody can say it in another language."""
    filled = [at for at, sentence in templates() if isinstance(sentence, ast.JoinedStr)]
    assert not filled, "write UsageError('… {name} …', name=name):\n" + "\n".join(filled)


def test_twins_name_the_same_facts() -> None:
    assert not [english for english, chinese in catalogue().items() if facts(english) != facts(chinese)]


def test_an_error_is_said_in_either_language() -> None:
    error = UsageError("“{text}” is not a time. Write it as 2017-12-04 or 2017-12-04T09:30:00Z.", text="{noon}")
    assert str(error) == "“{noon}” is not a time. Write it as 2017-12-04 or 2017-12-04T09:30:00Z."
    assert say(error, "zh") == "“{noon}”不是时间。请写成 2017-12-04 或 2017-12-04T09:30:00Z。"
    assert say(error, "en") == str(error)
    assert error.phrase.facts == {"text": "{noon}"}


def test_what_stands_inside_of_a_sentence_is_said_in_its_language() -> None:
    unknown = UnknownName(Phrase("setting in [{name}]", name="shop"), "zon", ("zone", "name"))
    assert str(unknown) == "Unknown setting in [shop] “zon”. Nearest: zone."
    assert say(unknown, "zh") == "[shop] 的设置项“zon”不存在。最接近的有：zone。"
    torn = SourceError("There is no such file.", path="a.csv", row=3, column="price")
    assert str(torn) == "a.csv, row 3, column price: There is no such file."
    assert say(torn, "zh") == "a.csv、第 3 行、列 price：没有这个文件。"


def test_a_sentence_without_facts_keeps_its_braces() -> None:
    assert str(UsageError("{a}")) == say(UsageError("{a}"), "zh") == "{a}"


def test_a_list_is_said_with_commas_or_what_the_template_says() -> None:
    assert str(Phrase("{names}; {names: or }", names=["a", "b"])) == "a, b; a or b"


def test_an_error_survives_another_process() -> None:
    error = pickle.loads(pickle.dumps(UsageError("“{url}” names no file. Write sqlite:PATH", url="x")))
    assert (str(error), say(error, "zh")) == (
        "“x” names no file. Write sqlite:PATH",
        "“x”没有写出文件。请写成 sqlite:PATH",
    )
