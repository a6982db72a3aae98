"""The words of a text: normalised, Chinese cut into words and single characters, English reduced to stems.

One definition for the search index, for queries and for the topics of reviews. Imported only where it is needed:
the Chinese dictionary costs a fifth of a second to load.
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from threading import Lock

import rjieba
from snowballstemmer import stemmer

from mien.core.measures import measures
from mien.core.simplified import simplified

HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f"
RUN = re.compile(rf"[{HAN}]+|[^\W_{HAN}]+")
_IS_HAN = re.compile(rf"[{HAN}]")
_HAN_RUN = re.compile(rf"[{HAN}]{{2,}}")
_DIGIT = re.compile("[0-9]")
_ACCENTS = re.compile("[\u0300-\u036f]")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")
"""What nobody sees: control characters, marks of direction, spaces without width, halves of a character."""
_STEMMER = stemmer("english")
_STEMMER_LOCK = Lock()  # a stemmer keeps the word at hand in itself

_QUERY_STOPS = "a an and at by for from in of on or the to with 的 了 和 与 或"
_STOPS_EN = (
    "a about after all also am an and any are as at be been but by can could did do does for from get got had has have"
    " he her here him his how i if in into is it its just like me more most my no not of off on one only or other our"
    " out over really she so some than that the their them then there these they this those to too up very was we were"
    " what when where which who will with would you your s t re ve ll d m"
)
_STOPS_ZH = (
    "的 了 和 是 就 都 而 及 与 或 在 也 很 还 又 不 没 没有 有 我 我们 你 你们 您 他 她 它 他们 这 那 这个 那个"
    " 一个 一 个 上 下 到 去 来 说 要 会 能 可以 对 把 被 让 给 从 着 过 吧 吗 呢 啊 哦 呀 嘛 哈 得 地 之 其"
    " 因为 所以 但 但是 如果 比较 非常 太 真 真的 就是 还是 觉得 感觉 什么 怎么 东西 已经 这样 那样 有点"
    " 不是 知道 自己 时候 用 买 再"
)
QUERY_STOP_WORDS = frozenset(_QUERY_STOPS.split())
"""What a query need not find: fewer than in prose, since "no", "one" or "m" may name a good."""
STOP_WORDS_EN = frozenset(_STOPS_EN.split())
STOP_WORDS_ZH = frozenset(_STOPS_ZH.split())


@dataclass(frozen=True, slots=True)
class Word:
    """One word of a query. `surface` as written (normalised), `term` as the index holds it.

    `ways`: other terms, all of which together say the same (a measure as it is written, the pairs of a long Chinese
    word, a synonym), each with what it counts beside the word itself.
    """

    surface: str
    term: str
    han: bool
    ways: tuple[tuple[float, tuple[str, ...]], ...] = ()


def normalise(text: str) -> str:
    """NFKC, lower case, Latin accents off, Chinese simplified, white space single, no control characters.

    Equal texts for a person are equal strings.
    """
    if not text.isascii():
        plain = _ACCENTS.sub("", unicodedata.normalize("NFKD", text))
        text = simplified(unicodedata.normalize("NFKC", plain))
    return " ".join(_CONTROL.sub(" ", text).lower().split())


@lru_cache(maxsize=1 << 16)
def stem(word: str) -> str:
    """The Snowball English stem of a normalised word. Cost: 70 µs, then cached."""
    if not word.isascii():
        return word
    with _STEMMER_LOCK:
        return str(_STEMMER.stemWord(word))


def is_han(text: str) -> bool:
    """Whether the text holds a Chinese character."""
    return bool(_IS_HAN.search(text))


def index_terms(text: str) -> list[str]:
    """What the index holds of a text: stems; for Chinese the words of search mode and every single character.

    Single characters make one-character queries and unusual cuts findable.
    """
    terms: list[str] = []
    for run in RUN.findall(normalise(text)):
        if is_han(run):
            terms += [word for word in rjieba.cut_for_search(run) if len(word) > 1]
            terms += run
        else:
            terms.append(stem(run))
    return terms


def search_terms(text: str) -> list[str]:
    """What the search index holds: `index_terms`, every pair of neighbouring characters, and measures in base units.

    Pairs find a word however the text around it was cut; where a pair is also a word it counts twice.
    """
    plain = normalise(text)
    terms = index_terms(plain)
    for run in _HAN_RUN.findall(plain):
        terms += pairs(run)
    if _DIGIT.search(plain):
        known = set(terms)
        terms += [one.term for one in measures(plain) if one.term not in known]
    return terms


def pairs(run: str) -> list[str]:
    """Every two neighbouring characters: "连衣裙" → 连衣, 衣裙."""
    return [run[k : k + 2] for k in range(len(run) - 1)]


def query_words(text: str, stop_words: frozenset[str] = QUERY_STOP_WORDS) -> list[Word]:
    """The words of a query in order, each once; stop words only where nothing else is left.

    A measure is one word; a Chinese word of three characters or more may also be found by its pairs.
    """
    words = once(words_in_order(text))
    return [word for word in words if word.surface not in stop_words] or words


def words_in_order(text: str) -> list[Word]:
    """Every word of a query as often as it stands there, stop words too."""
    plain, place = normalise(text), 0
    found: list[Word] = []
    for one in measures(plain) if _DIGIT.search(plain) else ():
        found += _plain_words(plain[place : one.start])
        written = plain[one.start : one.end]
        apart = tuple(stem(run) for run in RUN.findall(written))
        found.append(Word(written, one.term, False, ((1.0, apart),) if apart != (one.term,) else ()))
        place = one.end
    return found + _plain_words(plain[place:])


def once(words: Iterable[Word]) -> list[Word]:
    """Each term once, as it came first."""
    found: dict[str, Word] = {}
    for word in words:
        found.setdefault(word.term, word)
    return list(found.values())


def _plain_words(text: str) -> list[Word]:
    words = []
    for run in RUN.findall(text):
        han = is_han(run)
        for surface in rjieba.cut(run) if han else [run]:
            ways = ((1.0, tuple(dict.fromkeys(pairs(surface)))),) if han and len(surface) > 2 else ()
            words.append(Word(surface, surface if han else stem(surface), han, ways))
    return words


def in_dictionary(surface: str) -> bool:
    """Whether Chinese characters are together one word of the dictionary."""
    return len(rjieba.cut(surface, False)) == 1


def content_words(text: str) -> list[tuple[str, str]]:
    """`(term, surface)` of the words that carry meaning: no stop words, numbers or single letters, in order."""
    surfaces = (
        surface for run in RUN.findall(normalise(text)) for surface in (rjieba.cut(run) if is_han(run) else [run])
    )
    return [(stem(surface), surface) for surface in surfaces if _carries_meaning(surface)]


def _carries_meaning(surface: str) -> bool:
    return not is_stop_word(surface) and not surface.isnumeric() and (len(surface) > 1 or is_han(surface))


def is_stop_word(surface: str) -> bool:
    """Whether a normalised word is too common, in English or Chinese, to say what a text is about."""
    return surface in STOP_WORDS_EN or surface in STOP_WORDS_ZH
