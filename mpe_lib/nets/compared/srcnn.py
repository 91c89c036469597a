"""SRCNN (Dong et al. 2014): three convs that sharpen an enlarged picture, the first network for super-resolution."""

from torch import Tensor, nn

from mpe_lib.config import SRCNNConfig
from mpe_lib.nets.compared.bicubic import add_luma, enlarge, luma
from mpe_lib.nets.mpenet import MPEOutput


class SRCNN(nn.Module):
    """9-5-5 on the luma of the bicubic picture, whose chroma stays; 57,281 parameters.

    The three layers are meant to take patches apart, to translate them, and to put them together again.
    """

    def __init__(self, config: SRCNNConfig) -> None:
        super().__init__()
        self.config = config
        width = config.width
        self.layers = nn.Sequential(
            nn.Conv2d(1, width, 9, padding=4),
            nn.ReLU(inplace=True),
            nn.Conv2d(width, width // 2, 5, padding=2),
            nn.ReLU(inplace=True),
            nn.Conv2d(width // 2, 1, 5, padding=2),
        )
        for layer in self.layers:
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
                nn.init.zeros_(layer.bias)  # pyright: ignore[reportArgumentType]

    def forward(self, lr: Tensor) -> MPEOutput:
        """(N, 3, 16, 16), RGB in [0, 1] -> one picture, (N, 3, 128, 128)."""
        picture = enlarge(lr)
        y = luma(picture)  # (N, 1, 128, 128)
        return MPEOutput((add_luma(picture, self.layers(y) - y),))
