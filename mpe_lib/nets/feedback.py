"""The prior embedded recurrent block: a fusion for each step, and SRFBN's feedback block shared by all."""

import torch
from torch import Tensor, nn

from mpe_lib.nets.prelu import OneSlopePReLU

#: kernel, stride and padding of the up- and down-projections, by the scale they work at
PROJECTIONS = {2: (6, 2, 2), 4: (8, 4, 2), 8: (12, 8, 2)}


def prelu() -> nn.PReLU:
    """One learned slope for all channels, 0.2 at the start."""
    return OneSlopePReLU(init=0.2)


class FeedbackBlock(nn.Module):
    """Groups of an up- and a down-projection, densely linked (SRFBN, Li et al. 2019, without its first conv).

    Each group sees all low-resolution features made before it, lifts them `scale` times, and comes back
    down with all high-resolution features made so far. C = 48 and 6 groups hold 1,876,583 parameters at
    scale 4 and 4,088,423 at scale 8.
    """

    def __init__(self, channels: int, groups: int, scale: int) -> None:
        super().__init__()
        kernel, stride, padding = PROJECTIONS[scale]
        self.merge_low = nn.ModuleList(_merge(i, channels) for i in range(1, groups + 1))
        self.up = nn.ModuleList(
            nn.Sequential(nn.ConvTranspose2d(channels, channels, kernel, stride, padding), prelu())
            for _ in range(groups)
        )
        self.merge_high = nn.ModuleList(_merge(i, channels) for i in range(1, groups + 1))
        self.down = nn.ModuleList(
            nn.Sequential(nn.Conv2d(channels, channels, kernel, stride, padding), prelu()) for _ in range(groups)
        )
        self.out = nn.Sequential(nn.Conv2d(groups * channels, channels, 1), prelu())

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W); inside, features of (N, C, scale H, scale W)."""
        low, high = [x], list[Tensor]()
        for merge_low, up, merge_high, down in zip(self.merge_low, self.up, self.merge_high, self.down, strict=True):
            high.append(up(merge_low(torch.cat(low, 1))))  # (N, C, sH, sW)
            low.append(down(merge_high(torch.cat(high, 1))))  # (N, C, H, W)
        return self.out(torch.cat(low[1:], 1))  # (N, G C, H, W) -> (N, C, H, W)


def _merge(count: int, channels: int) -> nn.Module:
    """1x1 conv from `count` feature maps to one; a single one passes as it is."""
    if count == 1:
        return nn.Identity()
    return nn.Sequential(nn.Conv2d(count * channels, channels, 1), prelu())


class PERB(nn.Module):
    """Prior embedded recurrent block, Eq. 2: F_fb(t) = H_PERB(F_sf, F_fb(t-1), F_prior).

    What enters differs by step, so each step has its own fusion, a 1x1 and a 3x3 conv; the feedback block
    is one. Its state is passed, never kept. Steps beyond the last fusion share it.

    Args:
        channels: C, of the shallow features and of the state.
        groups, scale: of the feedback block.
        prior_channels: for each step, the width of its prior; 0 where a step has none.
    """

    def __init__(self, channels: int, groups: int, scale: int, prior_channels: tuple[int, ...]) -> None:
        super().__init__()
        # step 1 has no state: its fusion sees the shallow features alone
        widths = [channels] + [2 * channels + prior for prior in prior_channels[1:]]
        self.fusions = nn.ModuleList(
            nn.Sequential(nn.Conv2d(width, channels, 1), prelu(), nn.Conv2d(channels, channels, 3, padding=1), prelu())
            for width in widths
        )
        self.feedback = FeedbackBlock(channels, groups, scale)

    def forward(self, step: int, features: Tensor, state: Tensor | None, prior: Tensor | None) -> Tensor:
        """The next state.

        Args:
            step: 0 for the first.
            features: (N, C, H, W), the shallow features.
            state: (N, C, H, W), what this returned at the step before; None at the first.
            prior: (N, prior_channels[step], H, W), or None.
        """
        fusion = self.fusions[min(step, len(self.fusions) - 1)]
        inputs = [x for x in (features, state, prior) if x is not None]
        return self.feedback(fusion(torch.cat(inputs, 1)))
