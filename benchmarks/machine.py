"""What every benchmark says first: the machine, and the versions that matter."""

import platform
import resource

import torch


def describe() -> str:
    """One line."""
    processor = next(
        (line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")),
        platform.processor(),
    )
    return f"{processor}, {torch.get_num_threads()} threads, torch {torch.__version__}"


def peak_megabytes() -> float:
    """The most memory that this process has held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
