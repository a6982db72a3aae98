"""The behaviour transformer: one causal (or masked) transformer over all that a user did, in order.

    recipe    what is set: sizes, objective, learning
    tokens    acts as numbers, what follows each of them, windows and batches without padding
    start     where the item table starts: a PPMI-SVD of what follows what
    network   the transformer
    losses    what it learns by
    training  the loop and its checkpoints
    fitting   one fit: what is held out, training, and once more on everything
    curve     how it went, in words
    newcomers where items stand that came after the fit
    reading   a trained network reading histories
    behaviour the model of the contract: fit, score, vectors, save, load

Torch is imported by network, losses, training, fitting and reading only, and those when they are first needed.
"""

from typing import Any

from mien.models.behaviour.behaviour import Behaviour

SMALL: dict[str, Any] = {
    "size": "tiny",
    "epochs": 6,
    "batch_tokens": 4096,
    "learning_rate": 0.001,
    "horizon_share": 0.5,
}
"""How it is trained where nobody says otherwise: what two cores do in minutes, and answers in milliseconds."""

__all__ = ["SMALL", "Behaviour"]
