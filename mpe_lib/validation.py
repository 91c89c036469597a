"""How good a network is while it learns."""

from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from torch.utils.data import DataLoader

from mpe_lib.faces.crops import CentreCrops
from mpe_lib.faces.facset import Faces
from mpe_lib.metrics import psnr
from mpe_lib.nets import System, evaluating
from mpe_lib.pixels import to_picture


def validate(net: System, faces: Faces, most: int, accelerator: Accelerator | None = None) -> list[float]:
    """Mean PSNR on Y, border 0, of every step over at most `most` of the faces, evenly spaced, in dB.

    The processes of an accelerator share the faces.
    """
    device = next(net.parameters()).device
    chosen = np.linspace(0, len(faces) - 1, min(most, len(faces))).round().astype(np.int64)
    part = chosen if accelerator is None else chosen[accelerator.process_index :: accelerator.num_processes]
    scores = [torch.zeros(net.config.iterations, 0, dtype=torch.float64)]  # each (steps, n)
    with evaluating(net):
        for batch in DataLoader(CentreCrops(faces.take(part)), batch_size=16):
            hr = to_picture(batch.hr)
            scores.append(torch.stack([psnr(to_picture(sr), hr) for sr in net(batch.lr.to(device)).sr]))
    total: Any = torch.cat(scores, 1).sum(1).to(device)
    if accelerator is not None:
        total = accelerator.reduce(total, "sum")
    return (total / len(chosen)).tolist()
