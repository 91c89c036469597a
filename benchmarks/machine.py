"""What every benchmark says first: the machine, and the versions that matter."""

import platform
import resource
from pathlib import Path

import torch


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
