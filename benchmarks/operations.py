"""Floating-point operations: how many a network takes, and how many a second the machine does."""

import torch
from machine import median_seconds
from torch.utils.flop_counter import FlopCounterMode

from mpe_lib.config import NetConfig
from mpe_lib.nets import MPENet

SIDE = {"cpu": 2048, "cuda": 8192}  # of the matrices


def operations(config: NetConfig, side: int = 16) -> float:
    """Billions of floating-point operations of a face on its way through, a multiplication and an addition each."""
    with torch.device("meta"):
        net = MPENet(config).eval()
        with FlopCounterMode(display=False) as counted:
            net(torch.zeros(1, 3, side, side))
    return counted.get_total_flops() / 1e9


def matmul(device: str, precision: torch.dtype) -> float:
    """Billions of operations a second of a product of large matrices."""
    matrix = torch.randn(SIDE[device], SIDE[device], device=device, dtype=precision)
    return 2e-9 * len(matrix) ** 3 / median_seconds(lambda: matrix @ matrix, 10)
