"""MPEGAN's discriminator: is this a photograph of a face, or a restored one?"""

from torch import Tensor, nn

WIDTHS = (64, 128, 128, 256, 256, 512)  #: strides alternate 1, 2: where the side halves, the channels double


class Discriminator(nn.Module):
    """Six 3x3 convs, a global average, one logit; 2,289,153 parameters at full width.

    The paper does not describe it. There is no batch norm: statistics of a batch would tell originals from restored
    faces by what they have in common, and would tie each face's answer to its neighbours.

    Args:
        width: multiplies the channels.
    """

    def __init__(self, width: float = 1.0) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        inputs = 3
        for number, channels in enumerate(WIDTHS):
            outputs = round(width * channels)
            layers += [nn.Conv2d(inputs, outputs, 3, stride=1 + number % 2, padding=1), nn.LeakyReLU(0.2)]
            inputs = outputs
        self.body = nn.Sequential(*layers)
        self.head = nn.Linear(inputs, 1)
        for module in self.body:
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, a=0.2)
                nn.init.zeros_(module.bias)  # pyright: ignore[reportArgumentType]

    def forward(self, picture: Tensor) -> Tensor:
        """(N, 3, 128, 128), RGB in [0, 1] -> (N,) logits, high for a photograph."""
        x = self.body(2 * picture - 1)  # (N, 512, 16, 16)
        return self.head(x.mean((2, 3))).squeeze(1)
