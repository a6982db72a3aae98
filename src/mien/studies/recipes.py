"""Recipes written: what a search found, as the file that `mien train --recipe` reads."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import tomlkit

from mien.stores.durable import write_whole


def write_recipe(path: Path, comment: Iterable[str], models: Mapping[str, Mapping[str, Any]]) -> None:
    """`models`: name → settings. `comment`: its first lines: date, command, result."""
    recipe = tomlkit.document()
    for line in comment:
        recipe.add(tomlkit.comment(line))
    tables = tomlkit.table(is_super_table=True)
    for name, settings in models.items():
        table = tomlkit.table()
        for key, value in settings.items():
            table.add(key, value)
        tables.add(name, table)
    recipe.add(tomlkit.nl())
    recipe.add("models", tables)
    write_whole(path, tomlkit.dumps(recipe))
