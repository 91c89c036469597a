"""What benchmarks share: the machine and the versions that matter, which each says first; time and memory."""

import platform
import resource
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch

WARMING = 3  # rounds: the first allocate and choose kernels


def describe() -> str:
    """One line."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    processor = names[0] if names else platform.processor()
    return f"{processor}, {torch.get_num_threads()} threads, torch {torch.__version__}"


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
