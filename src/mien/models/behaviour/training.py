"""The training loop: batches of one size, early stopping on what was held out, checkpoints that a kill cannot break.

All that is drawn in a step comes from (seed, epoch, step), so a run that was killed and resumed gives the same model
as one that was not. Under `torchrun` the acts of a step are divided among the processes and gradients are averaged
(DistributedDataParallel), so that a recipe means the same for any number of them; the first one validates and writes.
"""

import io
import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn.parallel import DistributedDataParallel

from mien.core.errors import MienError
from mien.core.phrase import Phrase
from mien.core.ports import Progress
from mien.models.behaviour.curve import Curve, Point
from mien.models.behaviour.losses import Negatives, SampledSoftmax
from mien.models.behaviour.network import Batch, Network
from mien.models.behaviour.recipe import Recipe
from mien.models.behaviour.together import place, summed, told
from mien.models.behaviour.tokens import Ints, Tokens, Windows, bucket
from mien.stores.durable import whole

WARM = 50
"""Steps over which the learning rate rises (a tenth of all where they are few); it then falls along half a cosine to
`FLOOR` of itself."""
FLOOR = 0.02
BETAS = (0.9, 0.98)
DECAY = 0.01
"""Weight decay of everything but the table of items."""
CLIP = 1.0
FORMAT = 2
NOTHING = (-1.0, -math.inf)
"""NDCG and negated loss before anything was judged."""


class Diverged(MienError):
    """The loss is no longer a number. Facts: `epoch`, `step`."""

    code = "diverged"

    def __init__(self, epoch: int, step: int, kept: Phrase) -> None:
        self.epoch, self.step = epoch, step
        super().__init__(
            "The loss stopped being a number in epoch {epoch}, step {step}. {kept} Lower "
            "learning_rate, or look for values out of all proportion in the data.",
            epoch=epoch + 1,
            step=step + 1,
            kept=kept,
        )


@dataclass(frozen=True, slots=True)
class Measured:
    """What validation says: mean loss, NDCG@10 and recall@10."""

    loss: float
    ndcg: float
    recall: float


@dataclass(frozen=True, eq=False)
class Run:
    """What one training is: the acts, how to learn from them, how to judge, where to keep checkpoints."""

    tokens: Tokens
    n_items: int
    recipe: Recipe
    seed: int
    judge: Callable[[Network], Measured] | None
    """Called after each epoch; None: nothing was held out, the last epoch is kept."""
    folder: Path | None
    digest: str
    """Of the data and the recipe: a checkpoint of another one is not taken up."""
    progress: Progress
    notes: list[str] = field(default_factory=list)
    """Takes what a reader of the result must be told."""
    watch: Callable[[Point], bool] | None = None
    """Hears each epoch's point as it is known, those before a kill once more; True ends the training there."""


@dataclass(eq=False)
class _State:
    """What a checkpoint holds beside the network and the optimiser."""

    epoch: int = 0
    step: int = 0
    summed: float = 0.0
    targets: int = 0
    points: list[dict[str, Any]] = field(default_factory=list)
    best: int = -1
    best_found: tuple[float, float] = NOTHING
    best_network: dict[str, Tensor] = field(default_factory=dict)


def train(network: Network, run: Run) -> Curve:
    """Train in place; the network holds the best epoch afterwards. Raises `Diverged`.

    Cost: epochs · acts · (12 · blocks · width² + negatives · width) multiplications, forwards, twice that backwards.
    """
    loop = _Loop(network, run)
    try:
        return loop.go()
    except (MemoryError, RuntimeError) as failed:
        if "memory" not in str(failed).lower() and not isinstance(failed, MemoryError):
            raise
        raise MienError(
            "There is not enough memory to train with batch_tokens = {batch_tokens} and width "
            "{width}. Lower batch_tokens or negatives, or choose a smaller size.",
            batch_tokens=run.recipe.batch_tokens,
            width=run.recipe.width,
        ) from failed


class _Loop:
    def __init__(self, network: Network, run: Run) -> None:
        self.network, self.run, self.recipe = network, run, run.recipe
        self.device = torch.device(run.recipe.device)
        network.to(self.device)
        self.rank, self.world = place()
        self.wrapped: Any = DistributedDataParallel(network) if self.world > 1 else network
        self.optimiser = _optimiser(network, run.recipe)
        counts = np.bincount(run.tokens.item, minlength=run.n_items)
        self.negatives = Negatives(counts, run.recipe.negative_power)
        self.windows = _windows(run.tokens, run.recipe)
        self.steps = max(1, len(self._batches(0)) * run.recipe.epochs)
        self.state = _State()
        self.spent = 0.0
        self.began = time.process_time()
        self.saved = time.monotonic()
        self.stopped = False

    def go(self) -> Curve:
        self._resume()
        for point in self.state.points:
            self._tell(Point(**point))
        total = int(self.windows.size.sum()) * self.recipe.epochs // self.world
        advance = self.run.progress.step("train behaviour", total)
        advance(int(self.windows.size.sum()) * self.state.epoch // self.world)
        while self.state.epoch < self.recipe.epochs and not (self.stopped or self._patience_is_out()):
            self._epoch(advance)
            self._finish_epoch()
        if self.state.best_network:
            self.network.load_state_dict(self.state.best_network)
        self.network.to("cpu").eval()
        return Curve(tuple(Point(**point) for point in self.state.points), self.state.best, self.recipe.epochs)

    def _patience_is_out(self) -> bool:
        return self.run.judge is not None and self.state.epoch - 1 - max(self.state.best, 0) >= self.recipe.patience

    # -- one epoch ----------------------------------------------------------------------------------------------------

    def _batches(self, epoch: int) -> list[Ints]:
        """This process's share; where the batches do not divide evenly, the first ones are taken twice."""
        tokens = max(1, self.recipe.batch_tokens // self.world)
        batches = self.windows.batches(tokens, np.random.default_rng((self.run.seed, 1, epoch)))
        return [
            batches[k % len(batches)] for k in range(self.rank, len(batches) + -len(batches) % self.world, self.world)
        ]

    def _epoch(self, advance: Callable[[int], None]) -> None:
        state, seed = self.state, self.run.seed
        order = self.run.tokens.disordered(np.random.default_rng((seed, 2, state.epoch)))
        batches = self._batches(state.epoch)
        self.network.train()
        clock = time.monotonic()
        while state.step < len(batches):
            rows = self.windows.rows(batches[state.step])
            random = np.random.default_rng((seed, 3, state.epoch, state.step, self.rank))
            self.network.seed(seed, 4, state.epoch, state.step, self.rank)
            self._set_rate(state.epoch * len(batches) + state.step)
            loss, targets = self._step(rows, order, random)
            if not math.isfinite(loss):
                raise Diverged(state.epoch, state.step, self._what_was_kept())
            state.summed, state.targets, state.step = (
                state.summed + loss * targets,
                state.targets + targets,
                state.step + 1,
            )
            advance(rows.size)
            if state.step % 20 == 0:
                speed = rows.size * 20 / max(time.monotonic() - clock, 1e-9)
                clock = time.monotonic()
                self._say(speed)
            if time.monotonic() - self.saved > 60 * self.recipe.checkpoint_minutes:
                self._save()

    def _say(self, speed: float) -> None:
        s = self.state
        ndcg = f", NDCG@10 {s.points[-1]['ndcg']:.4f}" if s.points and s.points[-1]["ndcg"] is not None else ""
        loss = s.summed / max(s.targets, 1)
        self.run.progress.note(f"epoch {s.epoch + 1}/{self.recipe.epochs}, loss {loss:.3f}{ndcg}, {speed:,.0f} acts/s")

    def _step(self, rows: Ints, order: Ints, random: np.random.Generator) -> tuple[float, int]:
        loss, n = self._loss(rows, order, random)
        if n == 0:
            return 0.0, 0
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.optimiser.param_groups[1]["params"], CLIP)
        self.optimiser.step()
        return float(loss.detach()), n

    def _loss(self, rows: Ints, order: Ints, random: np.random.Generator) -> tuple[Tensor, int]:
        tokens, recipe = self.run.tokens, self.recipe
        read = order[rows]
        if recipe.shuffled:
            read = random.permuted(read, axis=1)
        masked = None
        if recipe.causal:
            place = np.flatnonzero(tokens.after_end[rows].ravel() > tokens.after[rows].ravel())
            goal = self._goals(rows.ravel()[place], random)
        else:
            masked = random.random(rows.shape) < recipe.mask_share
            masked[:, -1] |= random.random(len(rows)) < 0.5  # where the question will be asked
            masked[~masked.any(axis=1), -1] = True
            place = np.flatnonzero(masked.ravel())
            goal = read.ravel()[place]
        if not len(place):
            return torch.zeros(()), 0
        target = tokens.item[goal]
        drawn, correction, hits = self.negatives.draw(recipe.negatives, target, random)
        inputs = tokens.item[read].ravel()
        unique, where = np.unique(np.concatenate([inputs, target, drawn]), return_inverse=True)
        table = self.network.items(self._tensor(unique))
        spread = torch.nn.functional.embedding(self._tensor(where), table)
        read_in = spread[: len(inputs)].view(*rows.shape, -1)
        hidden = self.wrapped(read_in, batch_of(tokens, read, self.device, masked))
        hidden = hidden.reshape(-1, recipe.width)[self._tensor(place)]
        loss = SampledSoftmax.apply(  # type: ignore[no-untyped-call]
            hidden,
            spread[len(inputs) : len(inputs) + len(target)],
            spread[len(inputs) + len(target) :],
            self._tensor(correction),
            self._tensor(hits),
        ).mean()
        return loss + self._side(hidden, rows.ravel()[place], goal), len(place)

    def _goals(self, rows: Ints, random: np.random.Generator) -> Ints:
        """What each act is to foretell: an act of the next instant, or one of the days of the horizon."""
        tokens = self.run.tokens
        ends = tokens.after_end[rows]
        if self.recipe.horizon_share:
            far = random.random(len(rows)) < self.recipe.horizon_share
            ends = np.where(far, np.maximum(tokens.horizon_end[rows], ends), ends)
        begins = tokens.after[rows]
        return begins + (random.random(len(rows)) * (ends - begins)).astype(np.int64)

    def _side(self, hidden: Tensor, rows: Ints, goal: Ints) -> Tensor:
        """What the next act is and when it comes, by cross-entropy."""
        network, tokens, total = self.network, self.run.tokens, torch.zeros((), device=self.device)
        first = tokens.after[np.minimum(rows, len(tokens) - 1)]
        first = np.minimum(first, len(tokens) - 1)
        if network.next_action is not None:
            wanted = self._tensor(tokens.action[first])
            total = total + torch.nn.functional.cross_entropy(network.next_action(hidden), wanted)
        if network.next_gap is not None:
            wanted = self._tensor(bucket(tokens.at_s[first] - tokens.at_s[rows]))
            total = total + torch.nn.functional.cross_entropy(network.next_gap(hidden), wanted)
        return total * self.recipe.side_weight

    def _tensor(self, array: npt.NDArray[Any]) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(array)).to(self.device)

    def _set_rate(self, step: int) -> None:
        warm = min(1.0, (step + 1) / max(1, min(WARM, self.steps // 10)))
        along = 0.5 * (1 + math.cos(math.pi * min(1.0, step / self.steps)))
        for group in self.optimiser.param_groups:
            group["lr"] = group["full"] * min(warm, max(FLOOR, along))

    # -- after an epoch -----------------------------------------------------------------------------------------------

    def _finish_epoch(self) -> None:
        state = self.state
        loss, targets = summed([state.summed, float(state.targets)])
        loss /= max(targets, 1)
        found = self._judged()
        seconds = self.spent + time.process_time() - self.began
        held, ndcg, recall = (None, None, None) if found is None else (found.loss, found.ndcg, found.recall)
        point = Point(state.epoch, loss, held, ndcg, recall, round(seconds, 2))
        state.points.append(asdict(point))
        if found is None or (found.ndcg, -found.loss) > state.best_found:
            state.best, state.best_found = state.epoch, (found.ndcg, -found.loss) if found else NOTHING
            state.best_network = {name: value.clone() for name, value in self.network.state_dict().items()}
        state.epoch, state.step, state.summed, state.targets = state.epoch + 1, 0, 0.0, 0
        self._save()
        self._tell(point)

    def _tell(self, point: Point) -> None:
        """The first process asks whoever watches; all of them hear the answer, so that they stop together."""
        if self.run.watch is not None:
            self.stopped |= told(self.run.watch(point) if self.rank == 0 else False)

    def _judged(self) -> Measured | None:
        """The first process judges; all of them hear what it found, so that they stop together."""
        if self.run.judge is None:
            return None
        self.network.eval()
        return told(self.run.judge(self.network) if self.rank == 0 else None)

    # -- checkpoints --------------------------------------------------------------------------------------------------

    @property
    def _path(self) -> Path | None:
        return None if self.run.folder is None else self.run.folder / "behaviour.checkpoint"

    def _save(self) -> None:
        self.saved = time.monotonic()
        if self._path is None or self.rank:
            return
        held = {
            "format": FORMAT,
            "world": self.world,
            "digest": self.run.digest,
            "network": self.network.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "state": vars(self.state),
            "spent": self.spent + time.process_time() - self.began,
        }
        memory = io.BytesIO()
        torch.save(held, memory)
        with whole(self._path) as file:
            file.write(memory.getbuffer())

    def _resume(self) -> None:
        """Go on from a checkpoint of the same data and recipe; another one is said and left aside."""
        if self._path is None or not self._path.exists():
            return
        try:
            held = torch.load(self._path, weights_only=True, map_location=self.device)
        except Exception as damage:  # torch raises whatever the damaged bytes make it stumble over
            self._begin_anew(f"cannot be read ({type(damage).__name__})")
            return
        if tuple(held.get(key) for key in ("format", "digest", "world")) != (FORMAT, self.run.digest, self.world):
            self._begin_anew("is of other data, settings or version, or of another number of processes")
            return
        self.network.load_state_dict(held["network"])
        self.optimiser.load_state_dict(held["optimiser"])
        self.state, self.spent = _State(**held["state"]), held["spent"]

    def _begin_anew(self, why: str) -> None:
        text = f"{self._path} {why}; training begins anew"
        self.run.progress.note(text)
        self.run.notes.append(text)

    def _what_was_kept(self) -> Phrase:
        if self.state.best < 0:
            return Phrase("No epoch was finished, so nothing was kept.")
        if self.state.best_network:
            self.network.load_state_dict(self.state.best_network)
        epoch = self.state.best + 1
        if not self._path:
            return Phrase("The last good state, epoch {epoch}, is kept.", epoch=epoch)
        return Phrase("The last good state, epoch {epoch}, is kept at {path}.", epoch=epoch, path=self._path)


def batch_of(tokens: Tokens, rows: Ints, device: torch.device, hidden: npt.NDArray[np.bool_] | None = None) -> Batch:
    """The tokens of `(windows, size)` rows as tensors."""

    def tensor(column: Ints) -> Tensor:
        return torch.from_numpy(column[rows]).to(device)

    return Batch(
        tensor(tokens.action),
        tensor(tokens.gap),
        tensor(tokens.price),
        tensor(tokens.quantity),
        tensor(tokens.at_s),
        None if hidden is None else torch.from_numpy(hidden).to(device),
    )


def _windows(tokens: Tokens, recipe: Recipe) -> Windows:
    """Causal: acts that something follows. Masked: all acts."""
    if not recipe.causal:
        return Windows.of(tokens.offsets, tokens.offsets[1:], recipe.length)
    followed = np.concatenate([[0], np.cumsum(tokens.after_end > tokens.after)])
    begins, ends = tokens.offsets[:-1], tokens.offsets[1:]
    return Windows.of(tokens.offsets, begins + followed[ends] - followed[begins], recipe.length)


def _optimiser(network: Network, recipe: Recipe) -> torch.optim.Optimizer:
    """AdamW (Loshchilov and Hutter, 2019), fused into one pass; the table of items has rate and decay of its own."""
    table = [value for name, value in network.named_parameters() if name in ("items.ids", "items.tags")]
    rest = [value for name, value in network.named_parameters() if name not in ("items.ids", "items.tags")]
    rate = recipe.learning_rate
    groups = [
        {"params": table, "lr": rate, "full": rate * recipe.table_rate, "weight_decay": recipe.table_decay},
        {"params": rest, "lr": rate, "full": rate, "weight_decay": DECAY},
    ]
    return torch.optim.AdamW(groups, lr=rate, betas=BETAS, fused=True)
