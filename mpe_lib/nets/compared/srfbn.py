"""SRFBN (Li et al. 2019): one feedback block, over and over; what MPENet's recurrent branch comes from."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mpe_lib.config import SRFBNConfig
from mpe_lib.nets.compared.mean_shift import mean_shift
from mpe_lib.nets.feedback import PROJECTIONS, FeedbackBlock, prelu
from mpe_lib.nets.init import kaiming
from mpe_lib.nets.mpenet import MPEOutput

MEAN = (0.4488, 0.4371, 0.4040)  #: of DIV2K, RGB in [0, 1]


class SRFBN(nn.Module):
    """Four steps at the input's own size, 16 x 16; 7,891,318 parameters, 24 of which are constants.

    Where MPENet's state is None at first, here it is the features themselves, and no step is told anything.
    """

    def __init__(self, config: SRFBNConfig) -> None:
        super().__init__()
        self.config = config
        c = config.channels
        kernel, stride, padding = PROJECTIONS[8]
        self.take_off = mean_shift(MEAN, -1)
        self.extract = nn.Sequential(nn.Conv2d(3, 4 * c, 3, padding=1), prelu(), nn.Conv2d(4 * c, c, 1), prelu())
        self.fuse = nn.Sequential(nn.Conv2d(2 * c, c, 1), prelu())
        self.feedback = FeedbackBlock(c, config.groups, 8)
        self.reconstruct = nn.Sequential(
            nn.ConvTranspose2d(c, c, kernel, stride, padding), prelu(), nn.Conv2d(c, 3, 3, padding=1)
        )
        self.put_on = mean_shift(MEAN, 1)
        kaiming(self, zero=[self.reconstruct[-1]])

    def forward(self, lr: Tensor) -> MPEOutput:
        """(N, 3, 16, 16), RGB in [0, 1] -> a picture of each step, (N, 3, 128, 128)."""
        x = self.take_off(lr)
        bilinear = F.interpolate(x, scale_factor=8.0, mode="bilinear", align_corners=False)
        features = self.extract(x)  # (N, C, 16, 16)
        state, pictures = features, list[Tensor]()
        for _ in range(self.config.iterations):
            state = self.feedback(self.fuse(torch.cat([features, state], 1)))  # (N, C, 16, 16)
            pictures.append(self.put_on(self.reconstruct(state) + bilinear))  # (N, 3, 128, 128)
        return MPEOutput(tuple(pictures))
