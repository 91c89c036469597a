"""VDSR (Kim et al. 2016): twenty convs that say only what the enlarged picture lacks."""

from itertools import pairwise

from torch import Tensor, nn

from mpe_lib.config import VDSRConfig
from mpe_lib.nets.compared.bicubic import add_luma, enlarge, luma
from mpe_lib.nets.mpenet import MPEOutput


class VDSR(nn.Module):
    """A residual on the luma of the bicubic picture; 664,704 parameters, no biases.

    The last conv starts at zero, so that the network starts as the bicubic picture.
    """

    def __init__(self, config: VDSRConfig) -> None:
        super().__init__()
        self.config = config
        widths = [1] + [config.width] * (config.depth - 1)
        layers: list[nn.Module] = []
        for inputs, outputs in pairwise(widths):
            layers += [nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.ReLU(inplace=True)]
        self.layers = nn.Sequential(*layers, nn.Conv2d(config.width, 1, 3, padding=1, bias=False))
        *hidden, last = (layer for layer in self.layers if isinstance(layer, nn.Conv2d))
        for layer in hidden:
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
        nn.init.zeros_(last.weight)

    def forward(self, lr: Tensor) -> MPEOutput:
        """(N, 3, 16, 16), RGB in [0, 1] -> one picture, (N, 3, 128, 128)."""
        picture = enlarge(lr)
        return MPEOutput((add_luma(picture, self.layers(luma(picture))),))
