"""The questions of the study of Chinese search: written by hand, taken from real queries, and made from the texts."""

import csv
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import numpy as np
import rjieba

from mien.core.errors import SourceError
from mien.core.words import is_han, normalise

HEADS = {
    "书籍": "小说 书籍 教材 绘本 图书 童书 漫画书",
    "平板": "平板 平板电脑",
    "手机": "手机 老人机 老年机",
    "水果": "水果 橙 橙子 脐橙 梨 葡萄 芒果 樱桃 车厘子 香蕉 猕猴桃 榴莲 柚子 桃子 火龙果",
    "洗发水": "洗发水 洗发露 洗发膏 洗发液 洗发乳 护发素",
    "热水器": "热水器",
    "蒙牛": "牛奶 纯牛奶 酸奶 蒙牛",
    "衣服": "衣服 连衣裙 t恤 裙子 半身裙 裤子 牛仔裤 外套 毛衣 衬衫 羽绒服 卫衣 大衣 风衣 打底裤 上衣 西装",
    "计算机": "电脑 笔记本电脑 显卡 内存条 键盘 鼠标 主板 显示器 硬盘 台式机",
    "酒店": "酒店 宾馆 民宿",
}
"""Category → words that name it. In Chinese what a thing is stands last: "iphone手机壳" is no phone."""
INSIDE = {"平板电脑": "计算机"}
"""A word that holds one of another category without naming it."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A query and the category that its answers should be of."""

    category: str
    query: str


def by_hand() -> list[Asked]:
    """The queries written for this study."""
    return [Asked(row["category"], row["query"]) for row in _rows("chinese_queries.tsv")]


def homophones() -> list[tuple[str, str]]:
    """A word, and characters that sound like it and mean nothing, or something else."""
    return [(row["word"], row["sounds"]) for row in _rows("chinese_homophones.tsv")]


def _rows(name: str) -> list[dict[str, str]]:
    text = (files("mien.studies") / "words" / name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines(), delimiter="\t"))


def real(path: Path, most: int, seed: int) -> list[Asked]:
    """Real queries that end with a word of one category and hold no word of another: at most `most` a category.

    `path`: lines of "number, tab, query".
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as wrong:
        raise SourceError("The queries cannot be read: {wrong}.", wrong=wrong, path=path) from wrong
    known = {word: category for category, words in HEADS.items() for word in words.split()}
    found: dict[str, list[str]] = {}
    for line in lines:
        query = normalise(line.rpartition("\t")[2])
        held = {category for word, category in known.items() if word in query}
        held -= {other for word, other in INSIDE.items() if word in query}
        if len(held) == 1 and any(query.endswith(word) for word in HEADS[next(iter(held))].split()):
            found.setdefault(held.pop(), []).append(query)
    draw = np.random.default_rng(seed)
    return [
        Asked(category, found[category][k])
        for category in HEADS
        if category in found
        for k in draw.permutation(len(found[category]))[:most].tolist()
    ]


def words_of(
    texts: Sequence[str], n: int, seed: int, *, shortest: int = 2, longest: int = 4, least: int = 2
) -> list[str]:
    """`n` Chinese words of the texts, drawn evenly among those that stand in at least `least` of them."""
    held: Counter[str] = Counter()
    for text in texts:
        held.update({word for word in rjieba.cut(normalise(text)) if shortest <= len(word) <= longest})
    known = sorted(word for word, times in held.items() if times >= least and all(map(is_han, word)))
    draw = np.random.default_rng(seed)
    return [known[k] for k in draw.permutation(len(known))[:n].tolist()]


def dropped(word: str, draw: np.random.Generator) -> str:
    """The word without one of its characters."""
    k = int(draw.integers(len(word)))
    return word[:k] + word[k + 1 :]


def swapped(word: str, draw: np.random.Generator) -> str:
    """The word with two different neighbours in each other's place; as it is where it has none."""
    places = [k for k in range(len(word) - 1) if word[k] != word[k + 1]]
    if not places:
        return word
    k = places[int(draw.integers(len(places)))]
    return word[:k] + word[k + 1] + word[k] + word[k + 2 :]
