"""The judge: action units of a picture, by a network that has seen originals only."""

import torch
from torch import Tensor, nn

from mpe_lib.config import JudgeConfig
from mpe_lib.nets.mpenet import MEAN, MPEOutput
from mpe_lib.nets.resnet import ResNet18


class Judge(nn.Module):
    """A ResNet-18 that restores nothing: who recognises what in restored faces is the same for every system."""

    def __init__(self, config: JudgeConfig) -> None:
        super().__init__()
        self.config = config
        self.detect = ResNet18(len(config.aus), config.au_width)
        self.register_buffer("mean", torch.tensor(MEAN).view(3, 1, 1), persistent=False)
        self.mean: Tensor

    def forward(self, picture: Tensor) -> MPEOutput:
        """(N, 3, 128, 128), RGB in [0, 1] -> (N, A) logits, and no picture."""
        return MPEOutput((), au_logits=self.detect(picture - self.mean))
