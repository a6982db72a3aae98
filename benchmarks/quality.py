"""The ledger of quality: every model on real shops, as the tables of quality.md.

python benchmarks/quality.py ../shared/data [complete_journey online_retail ta_feng]
"""

import resource
import sys
import time
from pathlib import Path

from mien.studies.evaluate import Evaluation, evaluate
from mien.testing.shops import RealShop, complete_journey, online_retail, ta_feng


def figure(interval: dict[str, float | None]) -> str:
    """.123 [.100, .150], without the zeros before the point."""
    if interval["mean"] is None:
        return "–"
    mean, low, high = (f"{interval[name]:.3f}".replace("0.", ".") for name in ("mean", "low", "high"))
    return f"{mean} [{low}, {high}]"


def table(shop: RealShop, found: Evaluation, seconds: float) -> str:
    """The shop's rows in Markdown."""
    document = found.to_dict()
    lines = [f"### {shop.name}", "", f"Split: {document['split']}", ""]
    lines += ["| model | Recall@10 | NDCG@10 | NDCG over the best humble one | new to the user, Recall@10 | coverage |"]
    lines += ["|---|---|---|---|---|---|"]
    for row in document["models"]:
        gain = figure(row["against"]["ndcg@10"]) if "against" in row else "–"
        new = row["slices"].get("items_new_to_the_user", {}).get("recall@10", {"mean": None})
        cells = (row["model"], figure(row["recall@10"]), figure(row["ndcg@10"]), gain, figure(new))
        lines += [f"| {' | '.join(cells)} | {row['coverage@10']:.4f} |"]
    lines += [
        "",
        "| facet | AUROC | population's shares | F1 of the top tags | population's |",
        "|---|---|---|---|---|",
    ]
    for facet in document["profile"]:
        names = ("auroc", "baseline_auroc", "f1", "baseline_f1")
        lines += [f"| {facet['facet']} {facet['level']} | " + " | ".join(figure(facet[name]) for name in names) + " |"]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    return "\n".join([*lines, "", f"{seconds:.0f} s, peak memory of the process so far {peak} MB."])


def main(folder: Path, names: list[str]) -> None:
    shops = {
        "complete_journey": complete_journey,
        "online_retail": lambda: online_retail(folder),
        "ta_feng": lambda: ta_feng(folder),
    }
    for name in names or shops:
        shop = shops[name]()
        begun = time.perf_counter()
        found = evaluate(
            shop.data, shop.at_us, facets=shop.facets, active_days=shop.active_days, test_days=shop.test_days
        )
        print(table(shop, found, time.perf_counter() - begun), flush=True)
        frequency = evaluate(
            shop.data,
            shop.at_us,
            models=(),
            settings={"repeat": {"half_life_days": None}},
            active_days=shop.active_days,
            test_days=shop.test_days,
        )
        row = frequency.to_dict()["models"][1]
        print(f"Personal frequency: {figure(row['recall@10'])}, {figure(row['ndcg@10'])}.\n", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
