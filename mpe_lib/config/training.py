"""How a network is trained."""

import dataclasses
from dataclasses import dataclass
from typing import Literal

from mpe_lib.config.fields import at_least, below, choices, small_enough


@dataclass(frozen=True)
class TrainConfig:
    """The training. The defaults are the paper's schedule (Sec. 4.2) with a jitter of the scale, which is ours."""

    updates: int = 50_000  # optimiser steps; two epochs of about 100,000 faces at batch 4
    batch: int = 4  # faces in an update, over all processes together
    lr: float = 1e-4  # of Adam, betas .9 and .999, eps 1e-8
    schedule: Literal["constant", "cosine"] = "constant"
    halve_at: tuple[float, ...] = ()  # shares of the updates after which the rate is halved
    last_layer: float = 1.0  # multiplies the rate of the last layer (SRCNN)
    warmup: int = 0  # updates of linear rise before it
    average: float = 0.0  # decay of the exponential average of the weights; 0: no average
    clip: float = 0.0  # largest gradient norm; 0: no limit
    error: Literal["l2", "l1", "wavelet"] = "l2"  # of pictures, and of their features; the paper's is L2
    dice: bool = True  # Eq. 8 has it beside the cross-entropy
    lambda_align: float = 0.1  # Eq. 13
    lambda_au: float = 0.01  # Eq. 13
    lambda_per: float = 0.0  # Eq. 13; above 0 the features of the last picture count: MPEGAN
    lambda_adv: float = 0.0  # Eq. 13; above 0 a discriminator learns beside it: MPEGAN
    discriminator: Literal["plain", "lightcnn"] = "plain"  # ours, for the paper has none; DICGAN's
    discriminator_width: float = 1.0  # multiplies its channels
    features: Literal["vggface", "lightcnn", "own"] = "vggface"  # MPEGAN's; DICGAN's; those that come with mpe_lib
    scale_jitter: float = 0.08  # a face is trained on at (1 +- this) times its size
    precision: Literal["fp32", "bf16"] = "fp32"
    recompute: bool = False  # forget what happens inside a step, and compute it again for the gradient
    graph: bool = False  # on one GPU: an update's kernels recorded, and told all at once
    compile: bool = False  # by torch.compile, which takes minutes first
    seed: int = 0
    workers: int = 0  # data-loading processes; 0: none on a CPU, as many as a GPU needs beside one
    log_every: int = 10  # updates between lines of metrics.jsonl
    validate_every: int = 500
    validate_faces: int = 64  # at most, evenly spaced over the val split
    save_every: int = 500

    def __post_init__(self) -> None:
        choices(self, "train")
        counts = {"updates", "batch", "log_every", "validate_every", "validate_faces", "save_every"}
        names = [f.name for f in dataclasses.fields(self) if f.type in (int, float)]
        at_least(self, "train", {name: 1 if name in counts else 0 for name in names})
        below(self, "train", ("average", "scale_jitter"), 1)
        small_enough(self, "train")
