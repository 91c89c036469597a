"""What benchmarks share: time and memory."""

import resource
import statistics
import time
from collections.abc import Callable

import torch

WARMING = 3  # rounds: the first allocate and choose kernels


def peak_megabytes() -> float:
    """The most memory that this process has held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def median_seconds(work: Callable[[], object], repeats: int) -> float:
    """Median time of a piece of work, once it has warmed up."""
    times = []
    for _ in range(WARMING + repeats):
        start = time.perf_counter()
        work()
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        times.append(time.perf_counter() - start)
    return statistics.median(times[WARMING:])
