"""VGG-16's convolutions up to relu5_3: what the perceptual loss compares pictures by (Eq. 10)."""

import torch
from torch import Tensor, nn

BLOCKS = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))  #: width and number of the convs before each pooling
MEAN = (129.186279296875, 104.76238250732422, 93.59396362304688)  #: RGB, of VGG-Face's training pictures


class VGGFace(nn.Module):
    """Thirteen 3x3 convs (Simonyan & Zisserman 2015; faces: Parkhi et al. 2015), without the layers that name people.

    The state-dict keys, conv1_1 to conv5_3, are those of the public PyTorch conversion. Full width has 14,714,688
    parameters.

    Args:
        width: multiplies the channels; 1 for VGG-Face itself.
    """

    def __init__(self, width: float = 1.0) -> None:
        super().__init__()
        inputs = 3
        self.names: list[list[str]] = []  # of the convs in each block
        for block, (channels, count) in enumerate(BLOCKS, 1):
            self.names.append([f"conv{block}_{number}" for number in range(1, count + 1)])
            for name in self.names[-1]:
                self.add_module(name, nn.Conv2d(inputs, round(width * channels), 3, padding=1))
                inputs = round(width * channels)
        self.pool = nn.MaxPool2d(2)
        self.register_buffer("mean", torch.tensor(MEAN).view(3, 1, 1), persistent=False)
        self.mean: Tensor
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
                nn.init.zeros_(module.bias)  # pyright: ignore[reportArgumentType]

    def forward(self, picture: Tensor) -> Tensor:
        """(N, 3, 128, 128), RGB in [0, 1] -> (N, 512, 8, 8), relu5_3."""
        x = 255 * picture - self.mean  # the conversion wants levels, in RGB
        for block, names in enumerate(self.names):
            x = self.pool(x) if block else x  # pool5 comes after relu5_3, and is not needed
            for name in names:
                x = self.get_submodule(name)(x).relu()
        return x
