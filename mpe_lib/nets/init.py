"""How a network begins, before it has learnt anything."""

from collections.abc import Iterable

from torch import nn


def kaiming(net: nn.Module, zero: Iterable[nn.Module] = (), *, strides: bool = True) -> None:
    """Kaiming normal by fan-in, zero bias.

    Args:
        net: all of its convs and linear layers.
        zero: layers whose weights begin at zero instead, so that what they add to begins unchanged.
        strides: allow for it that a transposed conv of stride s spreads its input over s x s outputs, so that only
            1/s**2 of its kernel meets in one of them.
    """
    for module in net.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear) and module.weight.requires_grad:
            nn.init.kaiming_normal_(module.weight)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        if strides and isinstance(module, nn.ConvTranspose2d):
            module.weight.data *= module.stride[0]
    for layer in zero:
        nn.init.zeros_(layer.get_parameter("weight"))
