"""The house itself: layers, a light import, short files, pins for everything, and no word out of place."""

import ast
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from mien.core.extras import EXTRAS

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
HEAVY = {
    "duckdb", "fastapi", "ibis", "implicit", "lightgbm", "pandas", "polars", "pyarrow", "pyspark", "scipy", "sklearn",
    "sqlalchemy", "tantivy", "torch",
}  # fmt: skip
BEHIND_THE_DOOR = re.compile(
    r"(models/behaviour/(network|losses|training|fitting|reading)|web/(mounting|look/\w+|console/\w+|storefront/\w+))\.py$"
)
"""Modules of an optional package, which are loaded only after `core.extras.require` has found it."""
TEXTS = {".py", ".md", ".toml", ".txt", ".yml", ".yaml", ".html", ".css", ".js", ".svg", ".json", ""}
OUT_OF_PLACE = {
    "a path of somebody's machine": re.compile(r"(?<![\w.~-])/(?:work|root|home|Users)/\w"),
    "a package registry's host": re.compile(r"\b(?:pypi|pythonhosted|npmjs|debian)\.(?:org|com)\b"),
    "work left undone": re.compile(r"\b(?:TODO|FIXME|XXX)\b"),
    "a ticket's number": re.compile(r"\b[Ii]ssue #?\d+"),
}


def own_files() -> list[Path]:
    """Every file that belongs to the project, build outputs and workspaces left aside."""
    folders = (".ci", "benchmarks", "deploy", "docs", "examples", "recipes", "src", "tests")
    inside = [path for folder in folders for path in (ROOT / folder).rglob("*") if "__pycache__" not in path.parts]
    beside = [path for path in ROOT.iterdir() if not path.name.startswith(".") or path.name == ".gitignore"]
    return sorted(path for path in inside + beside if path.is_file())


def run(code: str) -> str:
    """What a fresh interpreter prints."""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_imports_go_one_way() -> None:
    run("import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports())")


@pytest.mark.parametrize("module", ["mien", "mien.core", "mien.core.errors"])
def test_importing_loads_nothing_heavy(module: str) -> None:
    loaded = set(run(f"import sys, {module}; print(*sys.modules)").split())
    assert module in loaded
    assert not {name.partition(".")[0] for name in loaded} & HEAVY


def test_no_file_is_long() -> None:
    lengths = {path: path.read_text().count("\n") for path in (ROOT / "src").rglob("*.py")}
    assert len(lengths) > 10
    assert not {f"{path.relative_to(ROOT)}: {lines}" for path, lines in lengths.items() if lines > 400}


def test_no_word_is_out_of_place() -> None:
    files = own_files()
    assert ROOT / "README.md" in files
    assert ROOT / ".ci" / "run" in files
    found = []
    for path in files:
        if path.suffix in TEXTS and path != Path(__file__).resolve():
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
                found += [
                    f"{path.relative_to(ROOT)}:{number}: {what}" for what, s in OUT_OF_PLACE.items() if s.search(line)
                ]
    assert not found, "\n".join(found)


def test_words_out_of_place_are_recognised() -> None:
    samples = {
        "a path of somebody's machine": "see /" + "home/ann/data",
        "a package registry's host": "from files." + "pythonhosted.org",
        "work left undone": "# TO" + "DO later",
        "a ticket's number": "fixes issue " + "12",
    }
    assert {what for what, sign in OUT_OF_PLACE.items() if sign.search(samples[what])} == set(OUT_OF_PLACE)


def test_no_data_is_carried_along() -> None:
    assert not [str(path) for path in own_files() if path.stat().st_size > 512_000]


def requirements() -> dict[str, list[Requirement]]:
    groups = {"": PROJECT["dependencies"], **PROJECT["optional-dependencies"]}
    return {group: [Requirement(line) for line in lines] for group, lines in groups.items()}


def test_every_requirement_is_pinned() -> None:
    lines = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if line and not line.startswith("#")]
    pins = {canonicalize_name(name): version for name, version in (line.split("==") for line in lines)}
    assert list(pins) == sorted(pins)
    for requirement in (one for group in requirements().values() for one in group):
        version = pins.get(canonicalize_name(requirement.name))
        assert version is not None, f"{requirement.name} is not pinned in constraints.txt"
        assert requirement.specifier.contains(version), f"{requirement} does not admit the pin {version}"


def test_every_extra_has_its_door() -> None:
    names = {group: {canonicalize_name(one.name) for one in lines} for group, lines in requirements().items()}
    assert set(EXTRAS) == set(names) - {"", "dev"}
    for extra, packages in EXTRAS.items():
        assert {canonicalize_name(package) for package in packages} <= names[extra], extra


def test_every_import_is_a_declared_dependency() -> None:
    """A package that only comes along with another one may stay away one day."""
    declared = {canonicalize_name(one.name) for one in requirements()[""]}
    paths = [path for path in (ROOT / "src").rglob("*.py") if not BEHIND_THE_DOOR.search(path.as_posix())]
    sources = [ast.parse(path.read_text()) for path in paths]
    nodes = [node for source in sources for node in ast.walk(source)]
    modules = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    modules |= {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module and not node.level}
    roots = {module.partition(".")[0] for module in modules} - sys.stdlib_module_names - {"mien"}
    packages = packages_distributions()
    missing = {one for one in roots if not {canonicalize_name(name) for name in packages.get(one, [one])} & declared}
    assert roots
    assert not missing


def test_the_changelog_names_this_version() -> None:
    assert re.search(rf"^## \[{re.escape(PROJECT['version'])}\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)


def test_the_licence_is_whole() -> None:
    licence = (ROOT / "LICENSE").read_text()
    assert PROJECT["license"] == "Apache-2.0"
    assert "Version 2.0, January 2004" in licence
    assert "END OF TERMS AND CONDITIONS" in licence


def test_no_two_test_files_have_one_name() -> None:
    """Pytest imports them by their bare name."""
    names = [path.name for path in (ROOT / "tests").rglob("test_*.py")]
    assert len(names) > 100
    assert sorted(names) == sorted(set(names))
