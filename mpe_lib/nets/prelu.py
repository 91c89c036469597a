"""PReLU with one slope for all channels, whose way back on a CPU takes a quarter of the time of PyTorch's."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F


class OneSlopePReLU(nn.PReLU):
    """max(0, x) + slope min(0, x); as `nn.PReLU` with one parameter, in values and in the state dict.

    Where no gradient is asked for it writes over its input, the output of a convolution that nobody else holds.
    """

    def __init__(self, init: float = 0.2) -> None:
        super().__init__(num_parameters=1, init=init)

    def forward(self, input: Tensor) -> Tensor:
        """Any shape."""
        if not input.is_cpu or torch.compiler.is_compiling():
            return super().forward(input)
        if not torch.is_grad_enabled():
            return F.leaky_relu_(input, self.weight.item())
        return _LeakyReLU.apply(input, self.weight)  # pyright: ignore[reportReturnType]


class _LeakyReLU(torch.autograd.Function):
    """A leaky ReLU whose slope learns: PyTorch's kernels for it are vectorised, those of `prelu_backward` are not.

    On a GPU, where they are, reading the slope would make the processor wait.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, slope: Tensor) -> Tensor:
        ctx.save_for_backward(x, slope)
        return F.leaky_relu(x, slope.item())

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor]:  # pyright: ignore[reportIncompatibleMethodOverride]
        x, slope = ctx.saved_tensors
        by_x = torch.ops.aten.leaky_relu_backward(gradient, x, slope.item(), False)
        by_slope = x.clamp_max(0).mul_(gradient).sum(dtype=slope.dtype).view(1)
        return by_x, by_slope
