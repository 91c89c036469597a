"""Memory: the CPU's, kept by the process for the next picture; and what is told where there is not enough of it."""

import ctypes
import sys
from collections.abc import Generator
from contextlib import contextmanager

from mpe_lib.config import Config
from mpe_lib.errors import UserError

_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4  # of glibc's mallopt


def keep_freed_memory() -> None:
    """Ask glibc not to give freed memory back to the kernel.

    It would be given back and asked for again with every update, and each page cleared, which takes as long as the
    arithmetic where batches or maps are large; the price is about a quarter more memory. (`give back` and `fp32` in
    figures/benchmarks/training_paper.txt.) Where there is no glibc, nothing happens.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is not None:
        mallopt(_M_MMAP_MAX, 0)
        mallopt(_M_TRIM_THRESHOLD, -1)


def is_for_memory(error: Exception) -> bool:
    """Whether it was raised because there is not enough memory; torch has a class for one of several such cases."""
    said = str(error).lower()
    signs = ("out of memory", "can't allocate memory", "alloc_failed")
    return isinstance(error, MemoryError) or any(sign in said for sign in signs)


@contextmanager
def enough_memory(config: Config) -> Generator[None]:
    """Tell that a GPU's memory, or the CPU's, was too small for a training.

    Raises:
        UserError: instead of torch's own, with what takes less.
    """
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not is_for_memory(error):
            raise
        batch = config.train.batch
        ways = [f"train.batch={batch // 2}"] if batch > 1 else []
        ways += ["train.recompute=True"] if config.net.system == "mpenet" and not config.train.recompute else []
        raise UserError(
            f"not enough memory for train.batch={batch}",
            f"--set {' or '.join(ways)}" if ways else "choose a smaller preset",
        ) from error
