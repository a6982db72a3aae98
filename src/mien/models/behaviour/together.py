"""Training by several processes, on one host or many, as `torchrun` starts them; one process alone needs nothing."""

import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import timedelta
from typing import TypeVar

from mien.core.errors import TransientError
from mien.core.extras import require

T = TypeVar("T")
PATIENCE = timedelta(days=1)
"""How long processes wait for each other: what only the first one does (the heads, other models) may take hours.
One that fails is noticed at once, since `torchrun` ends the others."""
PARTING_S = 0.5
"""So long a process stays after it parted. Threads of gloo outlive their group (torch 2.13, DistributedDataParallel)
and let go of what was last exchanged; one that does so while Python ends takes the process down, and `torchrun` the
others."""
LOST = re.compile("closed by peer|reset by peer|gloo|nccl", re.IGNORECASE)
"""How the libraries say that another process is gone."""
_ALONE = ContextVar("alone", default=False)


def others() -> int:
    """How many other processes `torchrun` has started beside this one."""
    return max(0, int(os.environ.get("WORLD_SIZE", "1")) - 1)


def process_rank() -> int:
    """Which of the processes this one is, 0 the first; 0 where it is alone."""
    return int(os.environ.get("RANK", "0")) if others() else 0


def place() -> tuple[int, int]:
    """Rank and number of the processes that work together right now: (0, 1) outside of `together` or in `alone`."""
    if _ALONE.get() or not others():
        return 0, 1
    distributed = require("models", "torch").distributed
    if not distributed.is_initialized():
        return 0, 1
    return distributed.get_rank(), distributed.get_world_size()


@contextmanager
def together() -> Iterator[int]:
    """Meet the other processes and part from them at the end; yields this one's rank, 0 where it is alone.

    Over GPUs by NCCL where every process has one, else over the processors by gloo.
    """
    if not others():
        yield 0
        return
    torch = require("models", "torch")
    local = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    backend = "nccl" if torch.cuda.is_available() and torch.cuda.device_count() >= local else "gloo"
    if backend == "nccl":
        torch.cuda.set_device(local_rank())
    torch.distributed.init_process_group(backend, timeout=PATIENCE)
    try:
        yield torch.distributed.get_rank()
    except RuntimeError as lost:
        if not LOST.search(str(lost)):
            raise
        raise TransientError(
            "Process {process_rank} stops, because another one of this training ended; that one says "
            "why. Run the same command again: what has a checkpoint goes on from there.",
            process_rank=process_rank(),
        ) from lost
    finally:
        torch.distributed.destroy_process_group()
        time.sleep(PARTING_S)


@contextmanager
def alone() -> Iterator[None]:
    """What one process does while the others are elsewhere: a training within is that process's own."""
    before = _ALONE.set(True)
    try:
        yield
    finally:
        _ALONE.reset(before)


def local_rank() -> int:
    """Which of the processes of this host this one is."""
    return int(os.environ.get("LOCAL_RANK", "0"))


def told(value: T) -> T:
    """What the first process says, in every process; all must ask, the others' own value counts for nothing."""
    if place()[1] == 1:
        return value
    spoken = [value]
    require("models", "torch").distributed.broadcast_object_list(spoken, src=0)
    return spoken[0]


def summed(values: list[float]) -> list[float]:
    """The sums over all processes, in every process."""
    if place()[1] == 1:
        return values
    torch = require("models", "torch")
    device = "cuda" if torch.distributed.get_backend() == "nccl" else "cpu"
    shares = torch.tensor(values, dtype=torch.float64, device=device)
    torch.distributed.all_reduce(shares)
    found: list[float] = shares.tolist()
    return found


def wait() -> None:
    """Until every process has come here; at once where there is one."""
    if place()[1] > 1:
        require("models", "torch").distributed.barrier()
