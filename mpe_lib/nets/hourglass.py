"""The face alignment branch: residual blocks and two stacked hourglasses (Newell et al. 2016)."""

from torch import Tensor, nn
from torch.nn import functional as F


class Residual(nn.Module):
    """Pre-activation bottleneck: 1x1 to half the width, 3x3, 1x1 out; a 1x1 on the skip where widths differ."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        half = outputs // 2
        self.body = nn.Sequential(
            nn.BatchNorm2d(inputs),
            nn.ReLU(inplace=True),
            nn.Conv2d(inputs, half, 1),
            nn.BatchNorm2d(half),
            nn.ReLU(inplace=True),
            nn.Conv2d(half, half, 3, padding=1),
            nn.BatchNorm2d(half),
            nn.ReLU(inplace=True),
            nn.Conv2d(half, outputs, 1),
        )
        self.skip = nn.Identity() if inputs == outputs else nn.Conv2d(inputs, outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs, H, W) -> (N, outputs, H, W)."""
        return self.skip(x) + self.body(x)


class Hourglass(nn.Module):
    """Down to 1/2**depth and up again, with a residual block on the skip at every resolution."""

    def __init__(self, width: int, depth: int = 4) -> None:
        super().__init__()
        self.skip = Residual(width, width)
        self.before = Residual(width, width)
        self.inner = Hourglass(width, depth - 1) if depth > 1 else Residual(width, width)
        self.after = Residual(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """(N, W, H, H) -> (N, W, H, H); H a multiple of 2**depth."""
        low = self.after(self.inner(self.before(F.max_pool2d(x, 2))))  # (N, W, H/2, H/2)
        return self.skip(x) + F.interpolate(low, scale_factor=2.0, mode="nearest")


class AlignmentNet(nn.Module):
    """68 landmark heatmaps at a quarter of the picture's side, once from each stack (Sec. 3.1, Eq. 5).

    The stem's widths follow the hourglass: W/4, then W/2. The second stack sees the first one's features
    and maps, and its maps are the prior.
    """

    def __init__(self, width: int, landmarks: int = 68, stacks: int = 2) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(3, width // 4, 3, stride=2, padding=1),
            Residual(width // 4, width // 2),
            nn.MaxPool2d(2),
            Residual(width // 2, width // 2),
            Residual(width // 2, width),
        )
        self.hourglasses = nn.ModuleList(Hourglass(width) for _ in range(stacks))
        self.features = nn.ModuleList(
            nn.Sequential(
                Residual(width, width), nn.Conv2d(width, width, 1), nn.BatchNorm2d(width), nn.ReLU(inplace=True)
            )
            for _ in range(stacks)
        )
        self.heads = nn.ModuleList(nn.Conv2d(width, landmarks, 1) for _ in range(stacks))
        self.join_features = nn.ModuleList(nn.Conv2d(width, width, 1) for _ in range(stacks - 1))
        self.join_maps = nn.ModuleList(nn.Conv2d(landmarks, width, 1) for _ in range(stacks - 1))

    def forward(self, picture: Tensor) -> tuple[Tensor, ...]:
        """(N, 3, 128, 128), mean subtracted -> for each stack (N, 68, 32, 32)."""
        x = self.stem(picture)  # (N, W, 32, 32)
        maps: list[Tensor] = []
        for i, (hourglass, features, head) in enumerate(zip(self.hourglasses, self.features, self.heads, strict=True)):
            y = features(hourglass(x))  # (N, W, 32, 32)
            maps.append(head(y))  # (N, 68, 32, 32)
            if i < len(self.join_maps):
                x = x + self.join_features[i](y) + self.join_maps[i](maps[-1])
        return tuple(maps)
