"""Training by several processes, on one host or many, as `torchrun` starts them; one process alone needs nothing."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from mien.core.extras import require


def others() -> int:
    """How many other processes `torchrun` has started beside this one."""
    return max(0, int(os.environ.get("WORLD_SIZE", "1")) - 1)


def process_rank() -> int:
    """Which of the processes this one is, 0 the first; 0 where it is alone."""
    return int(os.environ.get("RANK", "0")) if others() else 0


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
    torch.distributed.init_process_group(backend)
    try:
        yield torch.distributed.get_rank()
    finally:
        torch.distributed.destroy_process_group()


def wait() -> None:
    """Until every process has come here; at once where there is one."""
    if others():
        require("models", "torch").distributed.barrier()
