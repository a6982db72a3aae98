"""The files that put Mien into production name what there is: commands, flags, extras, files, settings."""

import configparser
import re
import shlex
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import typer

from mien.cli import app
from mien.settings import Settings

ROOT = Path(__file__).resolve().parents[1]
UNITS = sorted((ROOT / "deploy").glob("mien*"))
DOCKERFILE = (ROOT / "Dockerfile").read_text()
EXTRAS = set(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"])


def known(words: list[str]) -> bool:
    """Whether these words, after `mien`, are a command with flags that it has."""
    command: Any = typer.main.get_command(app)
    while words and hasattr(command, "commands"):
        command, words = command.commands.get(words[0]), words[1:]
    flags = {flag for one in getattr(command, "params", []) for flag in one.opts}
    return command is not None and {word for word in words if word.startswith("-")} <= flags


def variables(text: str) -> set[str]:
    return set(re.findall(r"\b(MIEN_\w+)=", text))


def settable(name: str) -> bool:
    section, _, field = name.removeprefix("MIEN_").lower().partition("_")
    return name == "MIEN_WORKSPACE" or hasattr(getattr(Settings(), section, None), field)


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_units_run_commands_that_there_are(unit: Path) -> None:
    parsed = configparser.ConfigParser(strict=False, interpolation=None)
    parsed.optionxform = str  # type: ignore[assignment,method-assign]
    parsed.read_string(unit.read_text())
    if parsed.has_section("Service"):
        program, *words = shlex.split(parsed["Service"]["ExecStart"])
        assert program.endswith("/mien")
        assert known(words)
    assert all(settable(name) for name in variables(unit.read_text()))


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_systemd_understands_the_units(tmp_path: Path) -> None:
    for unit in UNITS:
        text = re.sub(r"^ExecStart=\S+", "ExecStart=/bin/true", unit.read_text(), flags=re.MULTILINE)
        (tmp_path / unit.name).write_text(re.sub(r"^(User|Group)=.*\n", "", text, flags=re.MULTILINE))
    command = ["systemd-analyze", "verify", *(str(tmp_path / unit.name) for unit in UNITS)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    told = [line for line in done.stderr.splitlines() if "mien" in line]
    assert told == []


def test_the_image_is_made_of_what_there_is() -> None:
    copied = [
        line.split()[1:-1] for line in DOCKERFILE.splitlines() if line.startswith("COPY ") and "--from" not in line
    ]
    for name in (name for names in copied for name in names):
        assert (ROOT / name).exists(), name
        assert f"!{name}" in (ROOT / ".dockerignore").read_text().splitlines()
    (extras,) = re.findall(r"^ARG EXTRAS=(\S+)$", DOCKERFILE, re.MULTILINE)
    assert set(extras.split(",")) <= EXTRAS
    (words,) = re.findall(r"^CMD \[(.+)\]$", DOCKERFILE, re.MULTILINE)
    assert known([word.strip('" ') for word in words.split(",")])
    shown = re.findall(r"^#   docker run .* mien ((?:init|keys).*?)(?:  +#.*)?$", DOCKERFILE, re.MULTILINE)
    assert len(shown) == 2
    assert all(known(shlex.split(one)) for one in shown)
    assert all(settable(name) for name in variables(DOCKERFILE))
    assert re.search(r"^USER mien$", DOCKERFILE, re.MULTILINE)
