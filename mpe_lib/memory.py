"""Memory of the CPU, kept by the process for the next picture."""

import ctypes
import sys

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
