"""What test_processes.py runs in one process and in two: python one_update.py FACES OUT; OUT's name says what."""

import sys
from pathlib import Path

import torch
from accelerate import PartialState
from shared import TINIER
from torch import Tensor, nn
from torch.nn import functional as F

from mpe_lib.config import preset
from mpe_lib.faces.facset import read_faces
from mpe_lib.nets import VGGFace
from mpe_lib.train import train


def by_its_statistics(self: nn.BatchNorm2d, x: Tensor) -> Tensor:
    """Batch norm in eval mode: each process would otherwise see the mean of its own faces."""
    return F.batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias, False, 0.0, self.eps)


faces, out = map(Path, sys.argv[1:])
gan = out.name.startswith("mpegan")
config = preset("mpegan-small" if gan else "tiny").replace(
    TINIER
    | {
        "train.discriminator_width": 1 / 16,
        "train.updates": 1,
        "train.batch": 4,
        "train.warmup": 0,
        "train.lr": 1e-4,
        "train.schedule": "constant",
        "train.average": 0.5,
        "train.validate_every": 1,
        "train.log_every": 1,
    }
)
nn.BatchNorm2d.forward = by_its_statistics
torch.manual_seed(1)
features = VGGFace(1 / 16) if gan else None
known, validation = (read_faces(faces, split, config.net.aus) for split in ("train", "val"))
train(config, known, validation, out, features=features)
if PartialState().is_main_process:
    (out / "processes").write_text(str(PartialState().num_processes))
