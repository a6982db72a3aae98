"""The command line in Chinese: help, mistakes, messages; and who says in which language it speaks."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer import rich_utils

from mien.cli import app
from mien.cli.helping import WORDS
from mien.cli.speaking import language_of
from mien.core.errors import UnknownName
from mien.testing.world import SIX_ROWS_CSV
from mien.translation import catalogue

MIEN = Path(sys.executable).with_name("mien")
ENGLISH = re.compile(r"\b(?!mien )[A-Za-z][a-z]+ [a-z]+ [a-z]+\b")
"""Three English words in a row; of what is typed only `mien COMMAND …` is."""


def mien(*args: object, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("MIEN_", "LC_", "LANG"))}
    environ |= {"PYTHONUTF8": "1", "COLUMNS": "200", **(variables or {"MIEN_LANGUAGE": "zh"})}
    command = [str(MIEN), *map(str, args)]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, env=environ, timeout=300, check=False)


@pytest.mark.parametrize(
    ("environ", "language"),
    [
        ({}, "en"),
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LC_ALL": "C", "LANG": "zh_CN.UTF-8"}, "en"),
        ({"LC_ALL": "", "LC_MESSAGES": "zh_TW", "LANG": "C"}, "zh"),
        ({"MIEN_LANGUAGE": "en", "LANG": "zh_CN.UTF-8"}, "en"),
        ({"MIEN_LANGUAGE": "zh", "LANG": "de_DE"}, "zh"),
    ],
)
def test_who_says_which_language(environ: dict[str, str], language: str) -> None:
    assert language_of(environ) == language


def test_a_language_nobody_speaks_is_named() -> None:
    with pytest.raises(UnknownName, match="fr"):
        language_of({"MIEN_LANGUAGE": "fr"})


def helps(command: Any) -> Iterator[str]:
    """Every sentence of the help of a command and those below."""
    yield command.help
    for param in command.params:
        yield param.help
        if isinstance(param.show_default, str) and param.show_default != ".":
            yield param.show_default
    for below in getattr(command, "commands", {}).values():
        yield from helps(below)


def test_every_help_text_has_a_chinese_twin() -> None:
    texts = set(helps(typer.main.get_command(app)))
    assert len(texts) > 120
    assert not [text for text in texts if text not in catalogue()]


def test_every_word_of_typer_has_a_chinese_twin() -> None:
    assert not [name for name in WORDS if getattr(rich_utils, name) not in catalogue()]


@pytest.mark.parametrize("command", [(), ("init",), ("evaluate",), ("keys", "add")])
def test_help_is_chinese(tmp_path: Path, command: tuple[str, ...]) -> None:
    done = mien(*command, "--help", cwd=tmp_path)
    assert done.returncode == 0
    assert "用法：" in done.stdout
    assert "选项" in done.stdout
    assert not ENGLISH.search(done.stdout), ENGLISH.findall(done.stdout)


@pytest.mark.parametrize(
    ("args", "code", "sentence"),
    [
        (("nonsense",), 2, "没有 'nonsense' 这条命令。"),
        (("search",), 2, "缺少参数 'query'。"),
        (("search", "x", "--nonsense"), 2, "没有 --nonsense 这个选项"),
        (("search", "x", "-k", "0"), 2, "'-k' 的值不对：不能小于 1"),
        (("search", "x", "y"), 2, "多了参数"),
        (("search", "x", "-k"), 2, "选项 '-k' 后面要写值。"),
        (("serve", "--port", "web"), 2, "'--port' 的值不对：应为整数"),
        (("profile", "1"), 1, "没有工作区"),
        (("study", "nonsense"), 1, "研究“nonsense”不存在。"),
        (("init", "made", "--zone", "Mars"), 2, "“Mars”不是时区。"),
        (("init", "made", "--language", "fr"), 1, "语言“fr”不存在。"),
    ],
)
def test_a_mistake_is_told_in_chinese(tmp_path: Path, args: tuple[str, ...], code: int, sentence: str) -> None:
    done = mien(*args, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (code, ""), done.stderr
    assert sentence in done.stderr
    assert not ENGLISH.search(done.stderr), done.stderr


def test_a_shop_made_in_chinese_speaks_it(tmp_path: Path) -> None:
    """From the folder to a profile, as the README has it; afterwards the shop's language goes before any other."""
    (tmp_path / "行为.csv").write_text(SIX_ROWS_CSV, encoding="utf-8-sig")
    done = [
        mien("init", "shop", cwd=tmp_path),
        mien("ingest", "-w", "shop", "--events", "行为.csv", cwd=tmp_path),
        mien("build", "-w", "shop", cwd=tmp_path),
        mien("keys", "add", "app", "--scope", "read", "-w", "shop", cwd=tmp_path, MIEN_LANGUAGE="en"),
        mien("profile", "nobody", "-w", "shop", cwd=tmp_path, MIEN_LANGUAGE="en"),
    ]
    assert [one.returncode for one in done] == [0, 0, 0, 0, 1]
    assert "已建好 shop" in done[0].stderr
    assert 'language = "zh"' in (tmp_path / "shop" / "mien.toml").read_text()
    assert "事件：读入 6 行" in done[1].stdout
    assert "只显示这一次" in done[3].stderr
    assert "用户“nobody”不存在。" in done[4].stderr
    for one in done:
        assert not ENGLISH.search(one.stderr + one.stdout), one.stderr + one.stdout


def test_what_programs_read_is_the_same_in_each(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(SIX_ROWS_CSV, encoding="utf-8-sig")
    told = {}
    for language in ("en", "zh"):
        assert mien("init", language, "--currency", "CNY", cwd=tmp_path, MIEN_LANGUAGE=language).returncode == 0
        taken = mien("ingest", "-w", language, "--events", "a.csv", "--json", cwd=tmp_path)
        told[language] = json.loads(taken.stdout)
    assert told["en"] == told["zh"]
