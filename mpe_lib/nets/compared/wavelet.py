"""Wavelet-SRNet (Huang et al. 2017): the sub-bands of the large picture, each predicted from the small one."""

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mpe_lib.config import WaveletConfig
from mpe_lib.nets.mpenet import MPEOutput

LEVELS = 3  #: 128 -> 16: the sub-bands are as large as the input
#: (4, 2, 2): mean, differences across, down, and of both.
HAAR = torch.tensor([[[1.0, 1], [1, 1]], [[1, -1], [1, -1]], [[1, 1], [-1, -1]], [[1, -1], [-1, 1]]]) / 2
BANDS = (1, 3, 12, 48)  #: bands that each level of detail adds, from the coarsest


def packets() -> Tensor:
    """(64, 8, 8), the kernels of a Haar wavelet packet of three levels: +-1/8, orthonormal.

    They are in the order in which detail becomes finer: the mean, then 3, 12 and 48 bands.
    """
    kernels = HAAR
    for _ in range(LEVELS - 1):  # a coarser one around all that is there: its place is the last digit
        kernels = torch.stack([torch.kron(coarse, fine) for fine in kernels for coarse in HAAR])
    return kernels


def decompose(picture: Tensor) -> Tensor:
    """(N, 3, 8 H, 8 W) -> (N, 64, 3, H, W), the wavelet packet of each colour."""
    n, c, height, width = picture.shape
    kernels = packets().to(picture)[:, None]  # (64, 1, 8, 8)
    bands = F.conv2d(picture.reshape(n * c, 1, height, width), kernels, stride=8)
    return bands.view(n, c, 64, height // 8, width // 8).transpose(1, 2)


def compose(bands: Tensor) -> Tensor:
    """The inverse of `decompose`."""
    n, _, c, height, width = bands.shape
    kernels = packets().to(bands)[:, None]
    picture = F.conv_transpose2d(bands.transpose(1, 2).reshape(n * c, 64, height, width), kernels, stride=8)
    return picture.view(n, c, 8 * height, 8 * width)


def wavelet_loss(sr: Tensor, hr: Tensor) -> Tensor:
    """What Wavelet-SRNet learns by: mostly detail, little of the mean, the picture, and that detail be strong enough.

    As published: squared errors are halves of sums, over all but the faces; the texture term is a mean, of how far
    the energy of a band at a place, over its colours, is below 1.2 times the original's.

    Args:
        sr, hr: (N, 3, 128, 128).
    """
    bands, target = decompose(sr), decompose(hr)  # (N, 64, 3, 16, 16)

    def half(difference: Tensor) -> Tensor:
        return difference.square().sum() / (2 * len(difference))

    energy, wanted = (each[:, 1:].square().sum(2) for each in (bands, target))  # (N, 63, 16, 16)
    texture = F.relu(1.2 * wanted - energy).mean()
    off = bands - target
    return 0.99 * half(off[:, 1:]) + 0.01 * half(off[:, :1]) + 0.1 * half(sr - hr) + texture


class WaveletSRNet(nn.Module):
    """An embedding of the small picture, and from it the bands of each level of detail; 75 million parameters."""

    def __init__(self, config: WaveletConfig) -> None:
        super().__init__()
        self.config = config
        w, band = config.width, config.band_width
        self.extract = nn.Sequential(
            nn.Conv2d(3, w, 3, padding=1, bias=False), nn.BatchNorm2d(w), nn.ReLU(inplace=True)
        )
        widths = [w, *(w * 2**level for level in range(5))]  # five groups of blocks, from w to 16 w channels
        self.embed = nn.Sequential(
            *(
                _Block(inputs if block == 0 else outputs, outputs)
                for inputs, outputs in pairwise(widths)
                for block in range(config.blocks)
            )
        )
        self.branches = nn.ModuleList(
            nn.Sequential(
                _Block(widths[-1], band * bands, bands, first=1),
                _Block(band * bands, 2 * band * bands, bands),
                nn.Conv2d(2 * band * bands, 3 * bands, 3, padding=1, groups=bands),
            )
            for bands in BANDS
        )
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def forward(self, lr: Tensor) -> MPEOutput:
        """(N, 3, 16, 16), RGB in [0, 1] -> one picture, (N, 3, 128, 128)."""
        x = self.embed(self.extract(lr))  # (N, 16 w, 16, 16)
        bands = torch.cat([branch(x) for branch in self.branches], 1)  # (N, 64 * 3, 16, 16)
        return MPEOutput((compose(bands.unflatten(1, (64, 3))),))


class _Block(nn.Module):
    """Two 3x3 convs with batch norm, and a skip, by a 1x1 where the widths differ.

    Args:
        groups: of the convs, so that each band is predicted by its own; of the skip there is one.
        first: groups of the first conv, if they are others.
    """

    def __init__(self, inputs: int, outputs: int, groups: int = 1, *, first: int | None = None) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, padding=1, groups=groups if first is None else first, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
            nn.Conv2d(outputs, outputs, 3, padding=1, groups=groups, bias=False),
        )
        self.skip = nn.Identity() if inputs == outputs else nn.Conv2d(inputs, outputs, 1, bias=False)
        self.end = nn.Sequential(nn.BatchNorm2d(outputs), nn.ReLU(inplace=True))

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs, H, W) -> (N, outputs, H, W)."""
        return self.end(self.body(x) + self.skip(x))
