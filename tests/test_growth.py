"""A network that begins as a smaller one."""

import pytest
import torch
from torch import Tensor, nn

from mpe_lib.config import NetConfig
from mpe_lib.errors import UserError
from mpe_lib.nets import MPENet
from mpe_lib.nets.growth import begin_as

SMALL = NetConfig(channels=6, groups=2, hourglass_width=8, au_width=1 / 16)
LR = torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def learnt(config: NetConfig, seed: int) -> MPENet:
    """A network none of whose weights is zero, nor the statistics of its batch norm as they began; in float64."""
    torch.manual_seed(seed)
    net = MPENet(config).double()
    for tensor in net.parameters():
        nn.init.normal_(tensor, std=0.1) if tensor.dim() < 2 or not tensor.any() else None
    for layer in net.modules():
        if isinstance(layer, nn.BatchNorm2d):
            nn.init.uniform_(layer.weight, 0.5, 2)
            nn.init.uniform_(layer.running_mean, -1, 1)
            nn.init.uniform_(layer.running_var, 0.5, 2)
    return net.eval()


def everything(net: MPENet, **options: int) -> list[Tensor]:
    out = net(LR, **options)
    return [*out.sr, *(out.heatmaps or ()), *(each for each in (out.au_logits, out.attention) if each is not None)]


@pytest.mark.parametrize(
    "larger",
    [
        {},
        {"channels": 9},
        {"groups": 5},
        {"hourglass_width": 12},
        {"au_width": 1 / 8},
        {"channels": 16, "groups": 3, "hourglass_width": 16, "au_width": 1 / 4},
    ],
    ids=lambda larger: "-".join(larger) or "equal",
)
def test_the_larger_network_computes_what_the_smaller_one_does(larger: dict[str, int]) -> None:
    small, net = learnt(SMALL, 0), learnt(NetConfig(**{**vars(SMALL), **larger}), 1)
    begin_as(net, small)
    for ours, theirs in zip(everything(net), everything(small), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-9)


def test_after_an_update_all_of_it_learns() -> None:
    net = learnt(NetConfig(channels=9, groups=3, hourglass_width=12, au_width=1 / 8), 1)
    begin_as(net, learnt(SMALL, 0))
    optimizer = torch.optim.SGD(net.train().parameters(), lr=1e-3)
    for _ in range(2):
        optimizer.step()  # without gradients at first
        optimizer.zero_grad()
        torch.stack([each.square().mean() for each in everything(net)]).sum().backward()
    for name, tensor in net.named_parameters():
        assert tensor.grad is not None
        if tensor.dim() > 1:  # a bias before batch norm has nothing to learn
            assert (tensor.grad != 0).double().mean() > 0.5, name


def test_more_steps_share_the_weights_of_the_third() -> None:
    small, net = learnt(SMALL, 0), learnt(NetConfig(**{**vars(SMALL), "channels": 9, "iterations": 5}), 1)
    begin_as(net, small)
    torch.testing.assert_close(everything(net), everything(small, iterations=5), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    ("other", "what"),
    [
        ({"channels": 5}, "channels=6, which does not go into channels=5"),
        ({"au_width": 1 / 32}, "au_width=0.0625, which does not go into au_width=0.03125"),
        ({"aus": (1, 2, 4)}, r"aus=\(1, 2, 4, 6, 9, 12, 25, 26\), which does not go into aus=\(1, 2, 4\)"),
        ({"use_attention": False}, "use_attention=True, which does not go into use_attention=False"),
        ({"body_scale": 8}, "body_scale=4, which does not go into body_scale=8"),
        (
            {"use_aus": False, "use_attention": False, "iterations": 2},
            "iterations=3, which does not go into iterations=2",
        ),
    ],
)
def test_what_it_does_not_go_into_is_named(other: dict[str, object], what: str) -> None:
    net = MPENet(NetConfig(**{**vars(SMALL), **other}))
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    with pytest.raises(UserError, match=f"the weights to start with have {what}.*; choose the preset"):
        begin_as(net, MPENet(SMALL))
    assert all(torch.equal(tensor, before[name]) for name, tensor in net.state_dict().items())
