"""MPENet: three recurrent steps of super-resolution, with landmarks entering at the second and AUs at the third."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mpe_lib.au import attention_maps
from mpe_lib.config import NetConfig
from mpe_lib.heatmaps import REGIONS, decode, merge
from mpe_lib.nets.feedback import PERB, prelu
from mpe_lib.nets.hourglass import AlignmentNet
from mpe_lib.nets.hub import Pretrained
from mpe_lib.nets.init import kaiming
from mpe_lib.nets.resnet import ResNet18

SCALE = 8  #: 16 x 16 -> 128 x 128
LANDMARKS = 68  #: dlib's
MEAN = (0.509, 0.424, 0.378)  #: of faces, RGB in [0, 1]


class MPEOutput(NamedTuple):
    """What MPENet returns, and each system that it is compared with; None where there is no such branch."""

    sr: tuple[Tensor, ...]  # one (N, 3, 128, 128) a step, near [0, 1] but not clamped
    heatmaps: tuple[Tensor, ...] | None = None  # one (N, 68, 32, 32) a stack; the last one is the prior of step 2
    au_logits: Tensor | None = None  # (N, A)
    attention: Tensor | None = None  # (N, A, 32, 32), in [0, 1]


class MPENet(nn.Module, Pretrained):
    """The generator (Fig. 1): one shallow extractor, one PERB and one reconstruction, used at every step."""

    def __init__(self, config: NetConfig) -> None:
        super().__init__()
        self.config = config
        c, aus = config.channels, len(config.aus)
        self.extract = nn.Sequential(nn.Conv2d(3, 4 * c, 3, padding=1), prelu(), nn.PixelShuffle(2))
        landmarks = (len(REGIONS) if config.merge_landmarks else LANDMARKS) if config.use_landmarks else 0
        third = (aus if config.use_aus else 0) + (landmarks if config.carry_landmarks else 0)
        self.perb = PERB(c, config.groups, config.body_scale, (0, landmarks, third)[: config.iterations])
        self.reconstruct = nn.Sequential(
            nn.ConvTranspose2d(c, c, 8, stride=4, padding=2), prelu(), nn.Conv2d(c, 3, 3, padding=1)
        )
        self.align = AlignmentNet(config.hourglass_width, LANDMARKS) if config.use_landmarks else None
        self.detect = ResNet18(aus, config.au_width) if config.use_aus else None
        self.register_buffer("mean", torch.tensor(MEAN).view(3, 1, 1), persistent=False)
        self.mean: Tensor
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Kaiming; last layers at zero, so that every step starts as the bilinear image, unless `init="paper"`."""
        heads = [] if self.align is None else self.align.heads
        zero = self.config.init == "zero"
        kaiming(self, zero=(self.reconstruct[-1], *heads) if zero else (), strides=zero)

    def forward(
        self,
        lr: Tensor,
        *,
        iterations: int | None = None,
        heatmaps: Tensor | None = None,
        au_probability: Tensor | None = None,
        attention: Tensor | None = None,
    ) -> MPEOutput:
        """Restore faces; a prior that is given takes the place of the network's own.

        One face may be given a prior of several rows: from the step that it enters, the face goes on in as many
        rows, and what came before is computed once.

        Args:
            lr: (N, 3, 16, 16), RGB in [0, 1].
            iterations: recurrent steps; the config's unless given. Steps beyond the third repeat the third.
            heatmaps: (N, 68, 32, 32), the landmark prior; attention still follows the network's own.
            au_probability: (N, A), in [0, 1].
            attention: (N, A, 32, 32), in [0, 1].

        Raises:
            ValueError: no step, or more steps than a network of fewer than three has learnt; a prior that
                this network does not have.
        """
        config = self.config
        steps = config.iterations if iterations is None else iterations
        if steps < 1 or (steps > config.iterations and config.iterations < 3):
            raise ValueError(f"iterations={steps}: this network was made for {config.iterations}")
        for name, given, used in (
            ("heatmaps", heatmaps, config.use_landmarks),
            ("au_probability", au_probability, config.use_aus),
            ("attention", attention, config.use_aus),
        ):
            if given is not None and not used:
                raise ValueError(f"{name} is given, but this network has no such prior")
        features = self.extract(lr - self.mean)  # Eq. 1: (N, C, 32, 32)
        bilinear = F.interpolate(lr, scale_factor=float(SCALE), mode="bilinear", align_corners=False)
        state: Tensor | None = None
        sr: list[Tensor] = []
        stacks: tuple[Tensor, ...] | None = None
        logits: Tensor | None = None
        priors: dict[str, Tensor] = {}  # what the next step sees

        for step in range(steps):
            prior = torch.cat(_alike(*priors.values()), 1) if priors else None
            if prior is not None and state is not None:
                prior, features, state = _alike(prior, features, state)
            state = self.perb(step, features, state, prior)  # Eq. 2: (N, C, 32, 32)
            sr.append(self.reconstruct(state) + bilinear)  # Eq. 3, 4: (N, 3, 128, 128)

            if step == 0 and self.align is not None:
                maps: tuple[Tensor, ...] = self.align(sr[0] - self.mean)  # each (N, 68, 32, 32)
                points = maps[-1] if heatmaps is None else heatmaps
                priors["landmarks"] = merge(points) if config.merge_landmarks else points
                if config.use_attention and attention is None:
                    attention = attention_maps(decode(maps[-1]), config.aus, maps[-1].shape[-1])
                stacks = maps
            if step == 1 and self.align is not None and not config.carry_landmarks:
                del priors["landmarks"]
            if step == 1 and self.detect is not None:
                found: Tensor = self.detect(sr[1] - self.mean)  # (N, A)
                probability = found.sigmoid() if au_probability is None else au_probability
                area = torch.ones_like(features[:, :1]) if attention is None else attention
                priors["aus"] = probability[:, :, None, None] * area.to(probability.dtype)  # (N, A, 32, 32)
                logits = found
            if config.detach_priors:
                priors = {name: maps.detach() for name, maps in priors.items()}

        return MPEOutput(tuple(sr), stacks, logits, attention)


def _alike(*maps: Tensor) -> list[Tensor]:
    """Each with as many rows as the longest; those of one row are repeated."""
    rows = max(len(each) for each in maps)
    return [each if len(each) == rows else each.expand(rows, -1, -1, -1) for each in maps]


@contextmanager
def evaluating(net: nn.Module) -> Generator[None]:
    """`net` in eval mode, without gradients; the mode it had comes back."""
    training = net.training
    net.eval()
    try:
        with torch.inference_mode():
            yield
    finally:
        net.train(training)
