"""A pretrained encoder learns what this shop's users put together.

    loss = −log exp(s·cos(a_k, b_k)) / Σ_j exp(s·cos(a_k, b_j)),   mean over the pairs k of a batch,

the other pairs of a batch being the negatives: since they come as often as they are bought, what is merely popular is
pushed away and what goes together beyond that is drawn near. Source: Henderson et al., arXiv 1705.00652 (loss); Hu et
al., LoRA, ICLR 2022. The loop is sentence-transformers'.
"""

import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from mien.core.errors import NotReady, UsageError
from mien.core.extras import require
from mien.core.ports import Progress, Silent
from mien.models.content.encoder import Kind
from mien.models.content.hub import load_model, prefixes
from mien.models.content.options import ContentSettings
from mien.models.content.pairs import Pairs
from mien.stores.durable import whole_folder

LEAST_PAIRS = 256
"""Pairs below which nothing is learnt but noise."""


@dataclass(frozen=True, slots=True)
class TuneOptions:
    """How long and how boldly to learn."""

    epochs: int = 1
    """Passes over the pairs."""
    batch: int = 64
    """Pairs at once; each has the others as negatives."""
    learning_rate: float = 2e-4
    """Largest step; 2e-4 suits LoRA, 2e-5 the tuning of all weights."""
    lora_rank: int = 16
    """Rank of the matrices that are learnt beside the frozen ones; 0: all weights but the table of words move."""
    warmup: float = 0.1
    """Share of the steps over which the step size rises; after it, it falls to 0."""
    scale: float = 20.0
    """s of the loss: the larger, the more the nearest negatives count."""
    max_tokens: int = 48
    """Texts are cut there while learning."""

    def __post_init__(self) -> None:
        if min(self.epochs, self.batch - 1, self.max_tokens) < 1 or self.lora_rank < 0:
            raise UsageError("Tuning needs epochs ≥ 1, batch ≥ 2, max_tokens ≥ 1 and lora_rank ≥ 0.")
        if self.learning_rate <= 0 or self.scale <= 0 or not 0 <= self.warmup < 1:
            raise UsageError("Tuning needs learning_rate and scale above 0 and warmup from 0 to below 1.")


def tune(
    source: str,
    pairs: Sequence[Pairs],
    folder: Path,
    *,
    options: TuneOptions | None = None,
    settings: ContentSettings | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> Path:
    """Tune a model, by its folder (`unpack` gives e5's) or name, and write it to `folder` as a model of its own.

    `folder` can then be named as encoder, and exported as any other. `settings`: device, precision (bf16: a third off
    the time on a CPU that has it), prefixes and pooling, as the encoder will be used. Raises `NotReady` for too few
    pairs, `UsageError` where the loss is no number any more (nothing is written then), `MissingExtra` without the extra
    `tune`. Cost: per pair about four times encoding its two texts.
    """
    options, progress = options or TuneOptions(), progress or Silent()
    if (n := sum(map(len, pairs))) < LEAST_PAIRS:
        raise NotReady(
            "Tuning an encoder needs {least_pairs} pairs or more; there are {n}. It is used as it is.",
            least_pairs=LEAST_PAIRS,
            n=n,
        )
    kit, torch = require("models", "sentence_transformers"), require("models", "torch")
    for package in ("accelerate", "datasets", "peft"):
        require("tune", package)
    settings = settings or ContentSettings()
    model = load_model(source, settings)
    longest, model.max_seq_length = model.max_seq_length, min(options.max_tokens, model.max_seq_length or 512)
    torch.manual_seed(seed)
    before = prefixes(source, model.prompts, settings)
    steps = math.ceil(n / options.batch) * options.epochs
    watch = _watch(progress.step("tune the encoder", steps))
    with whole_folder(folder) as half, TemporaryDirectory() as passing, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the packages warn of each other's age
        _free(model, options)
        trainer = _trainer(kit)(
            model=model,
            args=kit.SentenceTransformerTrainingArguments(
                output_dir=passing,
                num_train_epochs=options.epochs,
                per_device_train_batch_size=options.batch,
                learning_rate=options.learning_rate,
                warmup_steps=math.ceil(options.warmup * steps),
                use_cpu=settings.device == "cpu" or not torch.cuda.is_available(),
                bf16=settings.precision == "bf16",
                batch_sampler="no_duplicates",
                seed=seed,
                report_to="none",
                save_strategy="no",
                logging_steps=1,
                logging_nan_inf_filter=False,
                disable_tqdm=True,
            ),
            train_dataset=_data(pairs, before),
            loss=_loss(model, options.scale),
            callbacks=[watch],
        )
        trainer.remove_callback(require("models", "transformers").PrinterCallback)
        trainer.train()
        if watch.broken:
            raise UsageError(
                "The loss became {loss} at step {step} of {steps}; nothing was written. Lower "
                "learning_rate ({learning_rate:g}).",
                loss=watch.loss,
                step=watch.step,
                steps=steps,
                learning_rate=options.learning_rate,
            )
        _merge(model, options)
        model.max_seq_length = longest
        model.prompts = {"query": before["query"], "passage": before["passage"]}
        model.save(str(half), create_model_card=False)
    return folder


def _trainer(kit: Any) -> Any:
    """The trainer, without encoding examples for a page that is not written."""

    class Trainer(kit.SentenceTransformerTrainer):  # type: ignore[misc]
        def add_model_card_callback(self, default_args_dict: dict[str, Any]) -> None:
            pass

    return Trainer


def _free(model: Any, options: TuneOptions) -> None:
    """Let move what shall move: small matrices beside the frozen ones, or all weights but the table of words."""
    body = model[0]
    if options.lora_rank:
        peft = require("tune", "peft")
        config = peft.LoraConfig(
            r=options.lora_rank, lora_alpha=2 * options.lora_rank, lora_dropout=0.0, target_modules="all-linear"
        )
        body.model = peft.get_peft_model(body.model, config)
        return
    # Its gradient would be as large as the table, nearly all of it zeros.
    body.model.get_input_embeddings().weight.requires_grad_(False)


def _merge(model: Any, options: TuneOptions) -> None:
    if options.lora_rank:
        model[0].model = model[0].model.merge_and_unload()


def _data(pairs: Sequence[Pairs], before: dict[Kind, str]) -> Any:
    columns: dict[str, list[str]] = {"first": [], "second": []}
    for some in pairs:
        columns["first"] += [before["query" if some.queries else "passage"] + text for text in some.first]
        columns["second"] += [before["passage"] + text for text in some.second]
    return require("tune", "datasets").Dataset.from_dict(columns)


def _loss(model: Any, scale: float) -> Any:
    losses = require("models", "sentence_transformers.sentence_transformer.losses")
    return losses.MultipleNegativesRankingLoss(model, scale=scale)


def _watch(done: Callable[[int], None]) -> Any:
    """Tells how far it is, and stops where the loss is no number."""
    callback = require("models", "transformers").TrainerCallback

    class Watch(callback):  # type: ignore[misc, valid-type]
        broken = False
        loss = math.nan
        step = 0

        def on_step_end(self, args: Any, state: Any, control: Any, **more: Any) -> None:
            done(1)

        def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **more: Any) -> None:
            if (loss := (logs or {}).get("loss")) is not None and not self.broken:
                self.loss, self.step, self.broken = loss, state.global_step, not math.isfinite(loss)
                control.should_training_stop = control.should_training_stop or self.broken

    return Watch()
