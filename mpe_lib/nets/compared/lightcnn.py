"""LightCNN-9 (Wu et al. 2018): DICGAN's discriminator, and what it compares faces by."""

from torch import Tensor, nn


class LightCNN(nn.Module):
    """Five stages of max-feature-maps, one logit; 5,485,921 parameters at full width.

    Args:
        width: multiplies the channels.
    """

    def __init__(self, width: float = 1.0) -> None:
        super().__init__()
        a, b, c, d, hidden = (round(width * channels) for channels in (48, 96, 192, 128, 256))
        self.features = nn.Sequential(
            MaxFeatureMap(nn.Conv2d(3, 2 * a, 5, padding=2)),
            nn.MaxPool2d(2),
            *_pair(a, b),
            nn.MaxPool2d(2),
            *_pair(b, c),
            nn.MaxPool2d(2),
            *_pair(c, d),
            *_pair(d, d),
            nn.MaxPool2d(2),
        )
        self.head = nn.Sequential(
            nn.Flatten(), MaxFeatureMap(nn.Linear(8 * 8 * d, 2 * hidden)), nn.LeakyReLU(0.2), nn.Linear(hidden, 1)
        )

    def forward(self, picture: Tensor) -> Tensor:
        """(N, 3, 128, 128), RGB in [0, 1] -> (N,) logits, high for a photograph."""
        return self.head(self.features(picture)).squeeze(1)


class MaxFeatureMap(nn.Module):
    """A layer that answers twice; of each pair of answers the larger one counts."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        """What the layer takes -> half of its channels."""
        one, other = self.layer(x).chunk(2, 1)
        return one.maximum(other)


def _pair(inputs: int, outputs: int) -> list[nn.Module]:
    """A 1x1 and a 3x3 conv."""
    convs = nn.Conv2d(inputs, 2 * inputs, 1), nn.Conv2d(inputs, 2 * outputs, 3, padding=1)
    return [MaxFeatureMap(conv) for conv in convs]
