"""SISN (Lu et al. 2021): split attention, inside blocks and around groups of them, at the size of the input."""

from torch import Tensor, nn
from torch.nn import functional as F

from mpe_lib.config import SISNConfig
from mpe_lib.nets.compared.mean_shift import mean_shift
from mpe_lib.nets.compared.srfbn import MEAN
from mpe_lib.nets.init import kaiming
from mpe_lib.nets.mpenet import MPEOutput

SCALE = 8  #: 16 x 16 -> 128 x 128


class SISN(nn.Module):
    """Ten groups of ten blocks at 16 x 16, then three doublings; 8,755,035 parameters, of which 450,560 are unused."""

    def __init__(self, config: SISNConfig) -> None:
        super().__init__()
        self.config = config
        c = config.channels
        self.take_off = mean_shift(MEAN, -1)
        # each pixel stands there 64 times: the published network sees an enlarged picture, folded to 16 x 16 again
        self.extract = nn.Conv2d(3 * SCALE**2, c, 3, padding=1)
        groups = [_Group(c, config.blocks, config.radix) for _ in range(config.groups)]
        self.body = nn.Sequential(*groups, nn.Conv2d(c, c, 3, padding=1))
        doublings = [(nn.Conv2d(c, 4 * c, 3, padding=1), nn.PixelShuffle(2)) for _ in range(3)]
        self.reconstruct = nn.Sequential(
            *(layer for doubling in doublings for layer in doubling), nn.Conv2d(c, 3, 3, padding=1)
        )
        self.put_on = mean_shift(MEAN, 1)
        kaiming(self, zero=[self.reconstruct[-1]])  # a picture of the mean colour

    def forward(self, lr: Tensor) -> MPEOutput:
        """(N, 3, 16, 16), RGB in [0, 1] -> one picture, (N, 3, 128, 128)."""
        large = F.interpolate(self.take_off(lr), scale_factor=float(SCALE), mode="nearest")
        x = self.extract(F.pixel_unshuffle(large, SCALE))  # (N, C, 16, 16)
        x = x + self.body(x)
        return MPEOutput((self.put_on(self.reconstruct(x)),))


class _Group(nn.Module):
    """Blocks in a row, and one beside them all, whose sum it is: attention from inside and from outside."""

    def __init__(self, channels: int, blocks: int, radix: int) -> None:
        super().__init__()
        inside = [_Block(channels, radix) for _ in range(blocks)]
        self.inside = nn.Sequential(*inside, nn.Conv2d(channels, channels, 3, padding=1))
        self.outside = _Block(channels, radix)

    def forward(self, x: Tensor) -> Tensor:
        return self.inside(x) + self.outside(x)


class _Block(nn.Module):
    """1x1, split attention, 1x1, around a skip (ResNeSt, Zhang et al. 2020)."""

    def __init__(self, channels: int, radix: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(channels, channels, 1, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(inplace=True),
            SplitAttention(channels, radix),
            nn.Conv2d(channels, channels, 1, bias=False),
            nn.BatchNorm2d(channels),
        )
        # the authors' code has it, its published count includes it, and no data passes through it
        self.unused = nn.Conv2d(channels, channels, 1, bias=False).requires_grad_(False)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(x + self.body(x))


class SplitAttention(nn.Module):
    """`radix` versions of the features; what all of them say together decides how much each channel takes of each."""

    def __init__(self, channels: int, radix: int) -> None:
        super().__init__()
        self.radix = radix
        hidden = max(channels * radix // 4, 32)
        self.split = nn.Sequential(
            nn.Conv2d(channels, channels * radix, 3, padding=1, groups=radix, bias=False),
            nn.BatchNorm2d(channels * radix),
            nn.ReLU(inplace=True),
        )
        self.decide = nn.Sequential(
            nn.Conv2d(channels, hidden, 1),
            nn.BatchNorm2d(hidden),
            nn.ReLU(inplace=True),
            nn.Conv2d(hidden, channels * radix, 1),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W)."""
        versions = self.split(x).unflatten(1, (self.radix, -1))  # (N, radix, C, H, W)
        seen = versions.sum(1).mean((2, 3), keepdim=True)  # (N, C, 1, 1)
        share = self.decide(seen).unflatten(1, (self.radix, -1)).softmax(1)  # (N, radix, C, 1, 1)
        return (versions * share).sum(1)
