"""The studies by name, and how one is called from words on a command line."""

import inspect
from collections.abc import Mapping
from importlib import import_module
from typing import Any, get_type_hints

import msgspec

from mien.core.errors import UnknownName, UsageError
from mien.core.phrase import Phrase

STUDIES: dict[str, str] = {
    "next-item": "mien.studies.next_item",
    "profile-value": "mien.studies.profile_value",
    "attributes": "mien.studies.attributes",
    "intention": "mien.studies.intention",
    "ablation": "mien.studies.ablation",
    "transfer": "mien.studies.transfer",
    "cold": "mien.studies.cold",
    "reviews": "mien.studies.reviews",
    "tuning": "mien.studies.tuning",
    "search": "mien.studies.search",
    "personalised-search": "mien.studies.personal_search",
    "hyper-parameters": "mien.studies.hyperparameters",
    "kinds": "mien.studies.kinds",
    "search-chinese": "mien.studies.chinese_search",
}
"""Name → module; each has a function `study` that answers a JSON-ready document."""


def run_study(name: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Run a study with those of its options that were given.

    Raises `UnknownName` for a study or an option nobody knows, `UsageError` for one that is missing or does not fit.
    """
    if name not in STUDIES:
        raise UnknownName("study", name, STUDIES)
    study = import_module(STUDIES[name]).study
    known = inspect.signature(study).parameters
    hints = get_type_hints(study)
    for option in options:
        if option not in known:
            raise UnknownName(
                Phrase("option of the study {name}", name=name), option, [one for one in known if one != "progress"]
            )
    missing = [one for one, told in known.items() if told.default is told.empty and one not in options]
    if missing:
        raise UsageError("The study {name} needs --{missing}.", name=name, missing=missing[0].replace("_", "-"))
    found: dict[str, Any] = study(**{one: _fitting(name, one, value, hints[one]) for one, value in options.items()})
    return found


def _fitting(study: str, option: str, value: Any, kind: Any) -> Any:
    if option == "progress":
        return value
    try:
        return msgspec.convert(value, type=kind, strict=False)
    except (msgspec.ValidationError, TypeError) as wrong:
        raise UsageError(
            "The option {option} of the study {study} does not fit: {wrong}.", option=option, study=study, wrong=wrong
        ) from None
