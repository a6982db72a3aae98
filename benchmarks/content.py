"""How fast Complete Journey's catalogue becomes vectors, first and again; and the encoders beside each other.

python benchmarks/content.py [--texts 512] [--threads 1] [--skip-catalogue]
"""

import argparse
import os
import platform
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from mien.collect.source import collect
from mien.core.item import Catalogue
from mien.models.content.cache import VectorCache
from mien.models.content.encoder import Encoder, Vectors
from mien.models.content.named import encoder_named
from mien.models.content.options import ContentSettings
from mien.models.content.texts import catalogue_vectors, distinct_texts, item_texts

WAYS = {
    "e5, float32 by torch": ContentSettings(encoder="e5", backend="torch", device="cpu", precision="fp32"),
    "e5, bfloat16 by torch": ContentSettings(encoder="e5", backend="torch", device="cpu", precision="bf16"),
    "e5, float32 by ONNX Runtime": ContentSettings(encoder="e5", backend="onnx", precision="fp32"),
    "e5, int8 by ONNX Runtime": ContentSettings(encoder="e5", backend="onnx", precision="int8"),
    "e5, 4 bit by its engine": ContentSettings(encoder="e5", backend="engine"),
    "minilm, int8 by ONNX Runtime": ContentSettings(encoder="minilm", backend="onnx", precision="int8"),
    "lexical": ContentSettings(encoder="lexical"),
}
FIRST = "e5, float32 by torch"


def journey(folder: Path) -> Catalogue:
    """The catalogue of Complete Journey, as a shop that ingests it has it."""
    delivered = collect("items", "dataset:completejourney", folder=folder).items
    assert delivered is not None
    items = pq.read_table(delivered)
    return Catalogue.of(items, np.arange(len(items), dtype=np.int32), len(items), 2**62)


def timed(encoder: Encoder, texts: list[str]) -> tuple[Vectors, float]:
    """Vectors, and texts a CPU second."""
    encoder.encode(texts[:4])
    begin = time.process_time()
    vectors = encoder.encode(texts)
    return vectors, len(texts) / (time.process_time() - begin)


def neighbours(vectors: Vectors, k: int = 10) -> list[set[int]]:
    near = vectors @ vectors.T
    np.fill_diagonal(near, -np.inf)
    return [set(row) for row in np.argsort(-near, axis=1)[:, :k].tolist()]


def beside(texts: list[str], everything: list[str], folder: Path) -> None:
    """Speed of each way, and how near it is to float32: cosine to it, and how many of ten neighbours are the same."""
    print(f"{len(texts)} texts of the catalogue, one thread\n")
    print("| encoder | texts a CPU second | over torch float32 | cosine to it, mean and least | of its 10 neighbours |")
    print("|---|---|---|---|---|")
    first: tuple[Vectors, float, list[set[int]]] | None = None
    for name, settings in WAYS.items():
        encoder = encoder_named(settings, folder=folder, texts=everything if settings.encoder == "lexical" else ())
        vectors, speed = timed(encoder, texts)
        near = neighbours(vectors)
        first = first or (vectors, speed, near)
        same = np.mean([len(a & b) / len(a) for a, b in zip(near, first[2], strict=True)])
        cosine = (vectors * first[0]).sum(axis=1) if vectors.shape == first[0].shape else None
        told = "–" if cosine is None or settings.encoder != "e5" else f"{cosine.mean():.4f}, {cosine.min():.4f}"
        print(f"| {name} | {speed:.0f} | {speed / first[1]:.2f} | {told} | {same:.2f} |", flush=True)


def whole(catalogue: Catalogue, folder: Path, threads: int) -> None:
    """The catalogue into an empty cache, and once more."""
    encoder = encoder_named(ContentSettings(threads=threads), folder=folder)
    cache = VectorCache(folder / "cache")
    for turn in ("first", "again"):
        wall, cpu = time.perf_counter(), time.process_time()
        vectors = catalogue_vectors(catalogue, encoder, cache)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        print(f"{turn}: {vectors.shape} by {encoder.version}: {cpu:.1f} CPU s, {wall:.1f} s on {threads} threads")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--texts", type=int, default=512)
    arguments.add_argument("--threads", type=int, default=1)
    arguments.add_argument("--skip-catalogue", action="store_true")
    arguments.add_argument("--folder", type=Path, help="where exported encoders are kept; default: a passing one")
    asked = arguments.parse_args()
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, torch {version('torch')}")
    with tempfile.TemporaryDirectory() as passing:
        folder = asked.folder or Path(passing)
        catalogue = journey(Path(passing) / "data")
        begin = time.process_time()
        texts, _ = distinct_texts(item_texts(catalogue))
        print(f"{len(catalogue)} items, {len(texts)} different texts, read in {time.process_time() - begin:.1f} CPU s")
        if not asked.skip_catalogue:
            whole(catalogue, folder, asked.threads)
        drawn = np.random.default_rng(0).choice(len(texts), asked.texts, replace=False)
        beside([texts[row] for row in drawn], texts, folder)


if __name__ == "__main__":
    main()
