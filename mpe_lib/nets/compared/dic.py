"""DIC (Ma et al. 2020): landmarks and picture take turns, four times; MPENet's nearest relative."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mpe_lib.config import DICConfig
from mpe_lib.heatmaps import REGIONS, merge
from mpe_lib.nets.feedback import FeedbackBlock, prelu
from mpe_lib.nets.init import kaiming
from mpe_lib.nets.mpenet import LANDMARKS, MEAN, MPEOutput


class DIC(nn.Module):
    """A first step without landmarks, then steps that attend to five regions; 21,803,849 parameters.

    Against MPENet: the first step has a feedback block of its own; landmarks are found anew after every step, by
    an hourglass that remembers its last answer; and they choose among features, where MPENet concatenates them.
    """

    def __init__(self, config: DICConfig) -> None:
        super().__init__()
        self.config = config
        c, blocks = config.channels, (config.groups, config.body_scale)
        self.extract = nn.Sequential(nn.Conv2d(3, 4 * c, 3, padding=1), prelu(), nn.PixelShuffle(2))
        self.first = nn.Sequential(nn.Conv2d(c, c, 1), prelu(), FeedbackBlock(c, *blocks))
        self.join = nn.Sequential(nn.Conv2d(2 * c, c, 1), prelu())
        self.attend = RegionAttention(c, config.fusion_blocks)
        self.feedback = FeedbackBlock(c, *blocks)
        self.reconstruct = nn.Sequential(
            nn.ConvTranspose2d(c, c, 8, stride=4, padding=2), prelu(), nn.Conv2d(c, 3, 3, padding=1)
        )
        self.align = RecurrentHourglass(config.hourglass_width, LANDMARKS)
        self.register_buffer("mean", torch.tensor(MEAN).view(3, 1, 1), persistent=False)
        self.mean: Tensor
        kaiming(self, zero=[self.reconstruct[-1], self.align.head[-1]])
        self.align.calm()

    def forward(self, lr: Tensor) -> MPEOutput:
        """(N, 3, 16, 16), RGB in [0, 1] -> a picture, (N, 3, 128, 128), and maps, (N, 68, 32, 32), of each step."""
        bilinear = F.interpolate(lr, scale_factor=8.0, mode="bilinear", align_corners=False)
        features = self.extract(lr - self.mean)  # (N, C, 32, 32)
        pictures, maps = list[Tensor](), list[Tensor]()
        state = memory = None
        for _ in range(self.config.iterations):
            if state is None:
                state = self.first(features)  # (N, C, 32, 32)
            else:
                joined = self.join(torch.cat([features, state], 1))
                state = self.feedback(self.attend(joined, merge(maps[-1])))
            pictures.append(self.reconstruct(state) + bilinear)  # (N, 3, 128, 128)
            found, memory = self.align(pictures[-1] - self.mean, memory)
            maps.append(found)  # (N, 68, 32, 32)
        return MPEOutput(tuple(pictures), tuple(maps))


class RegionAttention(nn.Module):
    """Features of its own for each region of the face, of which each place takes those of its region."""

    def __init__(self, channels: int, blocks: int) -> None:
        super().__init__()
        width = len(REGIONS) * channels
        self.split = nn.Sequential(nn.Conv2d(channels, width, 1), nn.LeakyReLU(0.2, inplace=True))
        self.blocks = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(width, width, 3, padding=1, groups=len(REGIONS)),
                nn.LeakyReLU(0.2, inplace=True),
                nn.Conv2d(width, width, 3, padding=1, groups=len(REGIONS)),
            )
            for _ in range(blocks)
        )

    def forward(self, x: Tensor, regions: Tensor) -> Tensor:
        """Features (N, C, H, W) and maps of the regions (N, 5, H, W) -> (N, C, H, W)."""
        x = self.split(x)  # (N, 5 C, H, W)
        for block in self.blocks:
            x = x + block(x)
        share = regions.softmax(1)[:, :, None]  # (N, 5, 1, H, W)
        return (x.unflatten(1, (len(REGIONS), -1)) * share).sum(1)


class RecurrentHourglass(nn.Module):
    """Heatmaps of a picture, by an hourglass half of whose output is what it will remember of it.

    It has no normalisation. Its authors train it beforehand; here it learns with the rest, and begins calmly.
    """

    def __init__(self, width: int, landmarks: int) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(3, width // 4, 7, stride=2, padding=3),
            nn.ReLU(inplace=True),
            _Bottleneck(width // 4, width // 2),
            nn.MaxPool2d(2),
            _Bottleneck(width // 2, width // 2),
            _Bottleneck(width // 2, width),
        )
        self.join = nn.Conv2d(2 * width, 2 * width, 1)
        self.hourglass = _Hourglass(2 * width)
        self.head = nn.Sequential(
            _Bottleneck(width, width),
            nn.Conv2d(width, width, 1),
            nn.ReLU(inplace=True),
            nn.Conv2d(width, landmarks, 1),
        )

    def forward(self, picture: Tensor, memory: Tensor | None) -> tuple[Tensor, Tensor]:
        """(N, 3, 128, 128), mean subtracted, and (N, W, 32, 32) -> maps (N, 68, 32, 32), and memory."""
        x = self.stem(picture)  # (N, W, 32, 32)
        x = self.hourglass(self.join(torch.cat([x, x if memory is None else memory], 1)))  # (N, 2 W, 32, 32)
        seen, kept = x.chunk(2, 1)
        return self.head(seen), kept

    def calm(self) -> None:
        """Let every block begin by adding little; without it and without batch norm, the sums of so many explode."""
        for module in self.modules():
            if isinstance(module, _Bottleneck):
                module.body[-1].get_parameter("weight").data *= 0.1


class _Hourglass(nn.Module):
    """As `nets.hourglass.Hourglass`, without batch norm, and enlarged by bilinear interpolation."""

    def __init__(self, width: int, depth: int = 4) -> None:
        super().__init__()
        self.skip = _Bottleneck(width, width)
        self.before = _Bottleneck(width, width)
        self.inner = _Hourglass(width, depth - 1) if depth > 1 else _Bottleneck(width, width)
        self.after = _Bottleneck(width, width)

    def forward(self, x: Tensor) -> Tensor:
        low = self.after(self.inner(self.before(F.max_pool2d(x, 2))))
        return self.skip(x) + F.interpolate(low, scale_factor=2.0, mode="bilinear", align_corners=True)


class _Bottleneck(nn.Module):
    """1x1 to half the width, ReLU, 3x3, 1x1 out; a 1x1 on the skip where widths differ."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        half = outputs // 2
        self.body = nn.Sequential(
            nn.Conv2d(inputs, half, 1),
            nn.ReLU(inplace=True),
            nn.Conv2d(half, half, 3, padding=1),
            nn.Conv2d(half, outputs, 1),
        )
        self.skip = nn.Identity() if inputs == outputs else nn.Conv2d(inputs, outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.skip(x) + self.body(x)
