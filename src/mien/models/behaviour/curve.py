"""How a training went: its points, and what they say in words."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

from mien.core.phrase import Language as Language

SAME = 0.02
"""Relative change of the validation measure below which two epochs are as good as each other."""
GAP = 0.25
"""Share by which the loss on unseen behaviour may exceed that on seen before it is called learning by heart."""


@dataclass(frozen=True, slots=True)
class Point:
    """One epoch. `loss`: mean over the training targets; `validation_loss`, `ndcg`, `recall`: on what was held out,
    None where nothing was. `seconds`: CPU seconds of the process until then."""

    epoch: int
    loss: float
    validation_loss: float | None
    ndcg: float | None
    recall: float | None
    seconds: float


@dataclass(frozen=True, slots=True)
class Curve:
    """All epochs, and which of them was kept (`best`)."""

    points: tuple[Point, ...]
    best: int
    asked: int
    """Epochs that the recipe allowed."""

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready, the verdict in both languages included."""
        return {
            "points": [asdict(point) for point in self.points],
            "best": self.best,
            "asked": self.asked,
            "verdict": {"kind": self.verdict, "en": self.words("en"), "zh": self.words("zh")},
        }

    @classmethod
    def from_dict(cls, told: dict[str, Any]) -> "Curve":
        """What `to_dict` wrote."""
        return cls(tuple(Point(**point) for point in told["points"]), told["best"], told["asked"])

    @property
    def verdict(self) -> Literal["unknown", "under", "over", "fit"]:
        """under: still getting better at the last epoch; over: much worse on unseen behaviour than on seen, or past
        its best; fit: neither; unknown: nothing was held out."""
        judged = [point for point in self.points if point.ndcg is not None]
        if len(judged) < 2:
            return "unknown"
        best = max(point.ndcg or 0.0 for point in judged)
        last = judged[-1]
        if best > 0 and (last.ndcg or 0.0) < best * (1 - SAME):
            return "over"
        if self.best == last.epoch == self.asked - 1 and (last.ndcg or 0.0) > (judged[-2].ndcg or 0.0) * (1 + SAME):
            return "under"
        if last.validation_loss is not None and last.validation_loss > last.loss * (1 + GAP):
            return "over"
        return "fit"

    def words(self, language: Language) -> str:
        """The verdict in a sentence or two."""
        if not self.points:
            return "Nothing was trained." if language == "en" else "没有进行训练。"
        kept = next(point for point in self.points if point.epoch == self.best)
        facts = {
            "epoch": self.best + 1,
            "epochs": len(self.points),
            "ndcg": f"{kept.ndcg:.4f}" if kept.ndcg is not None else "–",
            "loss": f"{kept.loss:.2f}",
            "unseen": f"{kept.validation_loss:.2f}" if kept.validation_loss is not None else "–",
        }
        told: str = self.verdict
        if told == "over" and self.best == self.points[-1].epoch:
            told = "heart"
        return _WORDS[language][told].format(**facts)


_WORDS: dict[Language, dict[str, str]] = {
    "en": {
        "unknown": "Trained for {epochs} epochs with nothing held out: whether it over- or underfits is not known.",
        "under": "Underfitted: NDCG@10 on held-out behaviour was still rising at the last epoch ({ndcg}). Allow more "
        "epochs or a higher learning rate.",
        "over": "Overfitting set in: the best epoch was {epoch} of {epochs} (NDCG@10 {ndcg}); its loss is {loss} on "
        "seen and {unseen} on held-out behaviour. That epoch was kept; more dropout or more data would help.",
        "heart": "Overfitting, though not yet to its cost: the last epoch of {epochs} was the best (NDCG@10 {ndcg}), "
        "but the loss is {loss} on seen and {unseen} on held-out behaviour. More dropout or more data would help.",
        "fit": "Well fitted: NDCG@10 on held-out behaviour levelled off at {ndcg} (epoch {epoch} of {epochs}); the "
        "loss is {loss} on seen and {unseen} on held-out behaviour.",
    },
    "zh": {
        "unknown": "共训练 {epochs} 轮，未留出验证数据，无法判断过拟合或欠拟合。",
        "under": "欠拟合：最后一轮时留出行为上的 NDCG@10（{ndcg}）仍在上升。可增加轮数或提高学习率。",
        "over": "出现过拟合：最佳为第 {epoch} 轮（共 {epochs} 轮，NDCG@10 {ndcg}），"
        "已见行为的损失为 {loss}，留出行为为 {unseen}。已保留该轮；增大 dropout 或增加数据会有帮助。",
        "heart": "有过拟合，但尚未造成损失：最后一轮（第 {epoch} 轮，共 {epochs} 轮）最佳（NDCG@10 {ndcg}），"
        "而已见行为的损失为 {loss}，留出行为为 {unseen}。增大 dropout 或增加数据会有帮助。",
        "fit": "拟合良好：留出行为上的 NDCG@10 稳定在 {ndcg}（第 {epoch} 轮，共 {epochs} 轮）；"
        "已见行为的损失为 {loss}，留出行为为 {unseen}。",
    },
}
