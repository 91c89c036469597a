"""The networks: what they hold, what they return, and who talks to whom."""

from collections.abc import Callable

import numpy as np
import pytest
import skimage.data
import torch
from torch import Tensor, nn
from torch.autograd import gradcheck
from torch.nn import functional as F

from mpe_lib.au import attention_maps
from mpe_lib.config import preset
from mpe_lib.faces.degrade import degrade
from mpe_lib.heatmaps import decode
from mpe_lib.nets import PERB, AlignmentNet, FeedbackBlock, Hourglass, MPENet, Residual, ResNet18, build_model
from mpe_lib.nets.mpenet import MEAN, MPEOutput
from mpe_lib.nets.prelu import OneSlopePReLU
from mpe_lib.pixels import to_tensor


def parameters(net: nn.Module) -> int:
    return sum(parameter.numel() for parameter in net.parameters())


def random(*shape: int) -> Tensor:
    """Values in [0, 1], the same every time."""
    return torch.rand(shape, generator=torch.Generator().manual_seed(0))


def bilinear(lr: Tensor) -> Tensor:
    return F.interpolate(lr, scale_factor=8.0, mode="bilinear", align_corners=False)


def fresh(**changes: object) -> MPENet:
    """The preset `tiny`, untrained, with some fields changed."""
    torch.manual_seed(0)
    return MPENet(preset("tiny").replace({f"net.{name}": value for name, value in changes.items()}).net)


def awake(**changes: object) -> MPENet:
    """A tiny network in which every layer does something, as after some training.

    The layers that start at zero get small weights, and batch norm the statistics of one pass.
    """
    net = fresh(**changes)
    for layer in net.modules():
        if isinstance(layer, nn.Conv2d) and not layer.weight.any():
            nn.init.normal_(layer.weight, std=0.02)
        if isinstance(layer, nn.BatchNorm2d):
            layer.momentum = 1.0
    with torch.no_grad():
        net.train()(LR)
    return net.eval()


LR = random(2, 3, 16, 16)
AUS = len(preset("tiny").net.aus)
PROBABILITY = random(2, AUS)


@pytest.fixture(scope="module")
def net() -> MPENet:
    return awake()


@pytest.fixture(scope="module")
def output(net: MPENet) -> MPEOutput:
    with torch.no_grad():
        return net(LR)


# ---- sizes


@pytest.mark.parametrize(
    ("name", "count"),
    [("tiny", 947_558), ("small", 3_885_610), ("base", 14_965_346), ("paper", 22_105_766)],
)
def test_every_preset_holds_so_many_parameters_and_restores_a_face(name: str, count: int) -> None:
    net = build_model(name).eval()
    assert parameters(net) == count
    with torch.no_grad():
        found = net(LR[:1])
    assert found.sr[-1].shape == (1, 3, 128, 128)
    assert found.au_logits.shape == (1, len(preset(name).net.aus))


@pytest.mark.parametrize(
    ("build", "count"),
    [
        (lambda: FeedbackBlock(48, 6, 4), 1_876_583),
        (lambda: FeedbackBlock(48, 6, 8), 4_088_423),
        (lambda: ResNet18(12), 11_182_668),
    ],
)
def test_the_parts_hold_so_many_parameters(build: Callable[[], nn.Module], count: int) -> None:
    assert parameters(build()) == count


# ---- PReLU


@pytest.mark.parametrize("slope", [0.2, -0.5, 0.0, 1.7])
@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(torch.float64, 1e-12), (torch.float32, 1e-5), (torch.bfloat16, 0.02)]
)
def test_prelu_is_that_of_torch_in_values_and_gradients(slope: float, dtype: torch.dtype, tolerance: float) -> None:
    ours, theirs = OneSlopePReLU(init=slope), nn.PReLU(num_parameters=1, init=slope)
    ours.load_state_dict(theirs.state_dict())
    for shape in ((3, 4, 5, 6), (2, 3), (0, 4, 5, 6)):
        x = (random(*shape) - 0.5).to(dtype)
        x[x.abs() < 0.02] = 0  # at zero the slope holds
        gradient = random(*shape).to(dtype)
        found = []
        for prelu in (ours.to(dtype), theirs.to(dtype)):
            inputs = x.clone().requires_grad_()
            output = prelu(inputs)
            found.append((output, *torch.autograd.grad(output, (inputs, prelu.weight), gradient)))
        for mine, other in zip(*found, strict=True):
            assert mine.dtype == other.dtype
            torch.testing.assert_close(mine, other, rtol=tolerance, atol=tolerance)


def test_prelu_without_gradients_writes_over_its_input() -> None:
    ours, theirs = OneSlopePReLU(init=0.3), nn.PReLU(init=0.3)
    x = torch.randn(2, 3, 4, 4)
    with torch.no_grad():
        expected = theirs(x)
        assert ours(x).data_ptr() == x.data_ptr()
    torch.testing.assert_close(x, expected)


def test_gradients_of_prelu() -> None:
    x = (random(2, 3, 4) - 0.5).double().requires_grad_()
    assert gradcheck(OneSlopePReLU(init=0.3).double(), (x,))


# ---- the feedback block and PERB


def feedback_by_hand(block: FeedbackBlock, x: Tensor, groups: int, scale: int) -> Tensor:
    """The block as the reference tells it, with plain functions and the weights of `block`."""
    kernel_stride_padding = {2: (6, 2, 2), 4: (8, 4, 2), 8: (12, 8, 2)}[scale]
    _, stride, padding = kernel_stride_padding

    def prelu(x: Tensor, slope: Tensor) -> Tensor:
        return torch.where(x > 0, x, slope * x)

    def merge(layers: nn.Module, maps: list[Tensor]) -> Tensor:
        conv, act = layers
        return prelu(F.conv2d(torch.cat(maps, 1), conv.weight, conv.bias), act.weight)

    low, high = [x], []
    for i in range(groups):
        inputs = x if i == 0 else merge(block.merge_low[i], low)
        conv, act = block.up[i]
        high.append(prelu(F.conv_transpose2d(inputs, conv.weight, conv.bias, stride, padding), act.weight))
        inputs = high[0] if i == 0 else merge(block.merge_high[i], high)
        conv, act = block.down[i]
        low.append(prelu(F.conv2d(inputs, conv.weight, conv.bias, stride, padding), act.weight))
        assert conv.kernel_size == (kernel_stride_padding[0],) * 2
    return merge(block.out, low[1:])


@pytest.mark.parametrize(("groups", "scale"), [(1, 2), (3, 2), (2, 4), (2, 8)])
def test_the_feedback_block_is_the_reference(groups: int, scale: int) -> None:
    torch.manual_seed(0)
    block = FeedbackBlock(3, groups, scale).double()
    x = torch.randn(2, 3, 5, 4, dtype=torch.float64, requires_grad=True)
    found, expected = block(x), feedback_by_hand(block, x, groups, scale)
    torch.testing.assert_close(found, expected)

    upstream = torch.randn_like(found)
    leaves = [x, *block.parameters()]
    found_grads = torch.autograd.grad(found, leaves, upstream)
    torch.testing.assert_close(found_grads, torch.autograd.grad(expected, leaves, upstream))


@pytest.mark.parametrize("scale", [2, 4, 8])
def test_the_feedback_block_works_at_its_scale_and_comes_back(scale: int) -> None:
    block = FeedbackBlock(4, 2, scale)
    x = random(1, 4, 5, 7)
    assert block.up[0](x).shape == (1, 4, 5 * scale, 7 * scale)
    assert block(x).shape == x.shape


def test_the_feedback_block_has_the_right_gradient() -> None:
    torch.manual_seed(0)
    block = FeedbackBlock(2, 2, 2).double()
    assert gradcheck(block, torch.randn(1, 2, 3, 3, dtype=torch.float64, requires_grad=True))


def test_perb_has_the_right_gradient_in_features_state_and_prior() -> None:
    torch.manual_seed(0)
    perb = PERB(2, 2, 2, prior_channels=(0, 1)).double()
    features, state = (torch.randn(1, 2, 3, 3, dtype=torch.float64, requires_grad=True) for _ in range(2))
    prior = torch.randn(1, 1, 3, 3, dtype=torch.float64, requires_grad=True)
    assert gradcheck(lambda f, s, p: perb(1, f, s, p), (features, state, prior))


def test_perb_fuses_and_then_feeds_back() -> None:
    perb = PERB(4, 2, 2, prior_channels=(0, 5, 0))
    features, state, prior = random(1, 4, 6, 6), random(1, 4, 6, 6) - 0.5, random(1, 5, 6, 6)
    for step, inputs in enumerate([[features], [features, state, prior], [features, state]]):
        expected = perb.feedback(perb.fusions[step](torch.cat(inputs, 1)))
        given = [*inputs, None, None][:3] if step < 2 else [features, state, None]
        torch.testing.assert_close(perb(step, *given), expected)


# ---- the alignment branch


def test_a_residual_block_adds_to_its_input() -> None:
    same, wider = Residual(8, 8).eval(), Residual(8, 12).eval()
    for block in (same, wider):
        nn.init.zeros_(block.body[-1].weight)
        nn.init.zeros_(block.body[-1].bias)
    x = random(1, 8, 4, 4) - 0.5
    torch.testing.assert_close(same(x), x)
    torch.testing.assert_close(wider(x), wider.skip(x))
    assert Residual(8, 12).body[2].out_channels == 6  # a bottleneck of half the width


def test_an_hourglass_of_depth_four_narrows_32_to_2() -> None:
    sides: list[int] = []
    hourglass = Hourglass(4).eval()
    for block in hourglass.modules():
        if isinstance(block, Residual):
            block.register_forward_hook(lambda _block, inputs, _output: sides.append(inputs[0].shape[-1]))
    assert hourglass(random(1, 4, 32, 32)).shape == (1, 4, 32, 32)
    assert [sides.count(side) for side in (32, 16, 8, 4, 2)] == [1, 3, 3, 3, 3]


def test_the_alignment_branch_gives_68_heatmaps_a_stack() -> None:
    torch.manual_seed(0)
    align = AlignmentNet(16).eval()
    first, second = align(random(1, 3, 128, 128))
    assert first.shape == second.shape == (1, 68, 32, 32)
    assert align.stem[0].out_channels == 16 // 4

    nn.init.zeros_(align.join_maps[0].weight)  # the second stack looks at the first one's maps
    first_again, second_again = align(random(1, 3, 128, 128))
    torch.testing.assert_close(first_again, first)
    assert (second_again - second).abs().max() > 1e-3


# ---- ResNet-18


def torchvision_keys() -> list[str]:
    """Names of the state dict of torchvision.models.resnet18, in order."""

    def norm(name: str) -> list[str]:
        return [f"{name}.{part}" for part in ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")]

    keys = ["conv1.weight", *norm("bn1")]
    for layer in (1, 2, 3, 4):
        for block in (0, 1):
            name = f"layer{layer}.{block}"
            keys += [f"{name}.conv1.weight", *norm(f"{name}.bn1"), f"{name}.conv2.weight", *norm(f"{name}.bn2")]
            if layer > 1 and block == 0:
                keys += [f"{name}.downsample.0.weight", *norm(f"{name}.downsample.1")]
    return [*keys, "fc.weight", "fc.bias"]


def test_resnet_has_the_keys_and_shapes_of_torchvision() -> None:
    state = ResNet18(1000).state_dict()
    assert list(state) == torchvision_keys()
    assert len(state) == 122
    assert state["conv1.weight"].shape == (64, 3, 7, 7)
    assert state["layer1.1.conv2.weight"].shape == (64, 64, 3, 3)
    assert state["layer3.0.conv1.weight"].shape == (256, 128, 3, 3)
    assert state["layer4.0.downsample.0.weight"].shape == (512, 256, 1, 1)
    assert state["fc.weight"].shape == (1000, 512)


def resnet_by_hand(w: dict[str, Tensor], x: Tensor) -> Tensor:
    """ResNet-18 from its state dict, with plain functions."""

    def norm(name: str, x: Tensor) -> Tensor:
        mean, var, weight, bias = (w[f"{name}.{part}"] for part in ("running_mean", "running_var", "weight", "bias"))
        return F.batch_norm(x, mean, var, weight, bias)

    x = F.relu(norm("bn1", F.conv2d(x, w["conv1.weight"], stride=2, padding=3)))
    x = F.max_pool2d(x, 3, stride=2, padding=1)
    for layer in (1, 2, 3, 4):
        for block in (0, 1):
            name, stride = f"layer{layer}.{block}", 2 if layer > 1 and block == 0 else 1
            y = F.relu(norm(f"{name}.bn1", F.conv2d(x, w[f"{name}.conv1.weight"], stride=stride, padding=1)))
            y = norm(f"{name}.bn2", F.conv2d(y, w[f"{name}.conv2.weight"], padding=1))
            if stride == 2:
                x = norm(f"{name}.downsample.1", F.conv2d(x, w[f"{name}.downsample.0.weight"], stride=stride))
            x = F.relu(x + y)
    return F.linear(x.mean((2, 3)), w["fc.weight"], w["fc.bias"])


def test_resnet_computes_what_its_state_dict_says() -> None:
    torch.manual_seed(0)
    net = ResNet18(5, width=0.125)
    x = torch.randn(2, 3, 64, 64)
    net(x)  # in training mode once, so that the running statistics are not 0 and 1
    torch.testing.assert_close(net.eval()(x), resnet_by_hand(net.state_dict(), x))


# ---- MPENet: how it starts


def test_every_step_starts_as_the_bilinear_image() -> None:
    started = build_model("tiny").eval()(LR)
    for sr in started.sr:
        torch.testing.assert_close(sr, bilinear(LR), rtol=0, atol=0)
    for maps in started.heatmaps:
        assert not maps.any()


def test_the_papers_start_has_no_layer_at_zero() -> None:
    started = fresh(init="paper")(LR)
    for sr in started.sr:
        assert (sr - bilinear(LR)).abs().max() > 1e-3
    for maps in started.heatmaps:
        assert maps.any()


def test_kaiming_normal_by_fan_in_zero_bias_and_one_slope() -> None:
    net = fresh(init="paper")
    for weight, fan_in in (
        (net.extract[0].weight, 3 * 9),
        (net.perb.feedback.up[0][0].weight, 16 * 64),
        (net.perb.feedback.down[0][0].weight, 16 * 64),
        (net.reconstruct[0].weight, 16 * 64),
    ):
        assert weight.std().item() == pytest.approx((2 / fan_in) ** 0.5, rel=0.05)
    for module in net.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear) and module.bias is not None:
            assert not module.bias.any()
        if isinstance(module, nn.PReLU):
            assert module.weight.tolist() == pytest.approx([0.2])


def test_the_mean_face_colour_is_nothing_to_every_branch() -> None:
    """The mean is taken off before the shallow features, the alignment and the AU net, never off the bilinear image."""
    assert MEAN == (0.509, 0.424, 0.378)
    net = fresh(init="paper").double().eval()
    found = net(net.mean.expand(1, 3, 16, 16))
    for sr in found.sr[:2]:
        torch.testing.assert_close(sr, net.mean.expand(1, 3, 128, 128))
    for nothing in (*found.heatmaps, found.au_logits):
        torch.testing.assert_close(nothing, torch.zeros_like(nothing), rtol=0, atol=1e-6)


# ---- MPENet: what it returns


def test_shapes(output: MPEOutput) -> None:
    assert [tuple(sr.shape) for sr in output.sr] == [(2, 3, 128, 128)] * 3
    assert [tuple(maps.shape) for maps in output.heatmaps] == [(2, 68, 32, 32)] * 2
    assert output.au_logits.shape == (2, AUS)
    assert output.attention.shape == (2, AUS, 32, 32)


def test_the_three_steps_one_after_the_other(net: MPENet, output: MPEOutput) -> None:
    with torch.no_grad():
        features = net.extract(LR - net.mean)

        state = net.perb(0, features, None, None)
        sr_1 = net.reconstruct(state) + bilinear(LR)
        heatmaps = net.align(sr_1 - net.mean)

        state = net.perb(1, features, state, heatmaps[-1])
        sr_2 = net.reconstruct(state) + bilinear(LR)
        au_logits = net.detect(sr_2 - net.mean)

        attention = attention_maps(decode(heatmaps[-1]), net.config.aus, 32)
        state = net.perb(2, features, state, au_logits.sigmoid().view(2, AUS, 1, 1) * attention)
        sr_3 = net.reconstruct(state) + bilinear(LR)

    torch.testing.assert_close(output, MPEOutput((sr_1, sr_2, sr_3), heatmaps, au_logits, attention))


def test_each_step_adds_something(output: MPEOutput) -> None:
    first, second, third = output.sr
    assert (first - bilinear(LR)).abs().max() > 1e-2
    assert (second - first).abs().max() > 1e-2
    assert (third - second).abs().max() > 1e-2


BASELINE = {"use_landmarks": False, "use_aus": False, "use_attention": False}


@pytest.mark.parametrize(
    ("changes", "widths"),
    [  # C = 16, 68 landmarks, 8 AUs: C, 2C + prior, 2C + prior
        (BASELINE, [16, 32, 32]),
        (BASELINE | {"iterations": 1}, [16]),
        (BASELINE | {"use_landmarks": True}, [16, 100, 32]),
        (BASELINE | {"use_landmarks": True, "iterations": 2}, [16, 100]),
        (BASELINE | {"use_landmarks": True, "carry_landmarks": True}, [16, 100, 100]),
        (BASELINE | {"use_aus": True}, [16, 32, 40]),
        ({"use_attention": False}, [16, 100, 40]),
        ({}, [16, 100, 40]),
        ({"aus": "bp4d"}, [16, 100, 44]),
        ({"carry_landmarks": True}, [16, 100, 108]),
        ({"iterations": 5}, [16, 100, 40]),
    ],
)
def test_each_ablation_has_its_fusions_and_its_outputs(changes: dict[str, object], widths: list[int]) -> None:
    net = fresh(body_scale=2, **changes).eval()
    assert [fusion[0].in_channels for fusion in net.perb.fusions] == widths
    with torch.no_grad():
        found = net(LR[:1])
    assert len(found.sr) == net.config.iterations
    assert (found.heatmaps is not None) == (net.align is not None) == net.config.use_landmarks
    assert (found.au_logits is not None) == (net.detect is not None) == net.config.use_aus
    assert (found.attention is not None) == net.config.use_attention


def test_steps_beyond_the_third_repeat_the_third(net: MPENet, output: MPEOutput) -> None:
    with torch.no_grad():
        more = net(LR, iterations=5)
    torch.testing.assert_close(more.sr[:3], output.sr)
    assert len(more.sr) == 5
    assert (more.sr[4] - more.sr[3]).abs().max() > 1e-3


@pytest.mark.parametrize("iterations", [1, 2])
def test_fewer_steps_are_the_first_ones(net: MPENet, output: MPEOutput, iterations: int) -> None:
    with torch.no_grad():
        fewer = net(LR, iterations=iterations)
    torch.testing.assert_close(fewer.sr, output.sr[:iterations])
    assert (fewer.au_logits is None) == (iterations < 2)


# ---- MPENet: priors


def test_the_networks_own_priors_given_back_change_nothing(net: MPENet, output: MPEOutput) -> None:
    own = {"heatmaps": output.heatmaps[-1], "au_probability": output.au_logits.sigmoid()}
    with torch.no_grad():
        again = net(LR, attention=output.attention, **own)
    torch.testing.assert_close(again.sr, output.sr)


def test_heatmaps_enter_at_step_two(net: MPENet, output: MPEOutput) -> None:
    with torch.no_grad():
        blank = net(LR, heatmaps=torch.zeros(2, 68, 32, 32))
    torch.testing.assert_close(blank.sr[0], output.sr[0])
    assert (blank.sr[1] - output.sr[1]).abs().max() > 1e-3
    torch.testing.assert_close(blank.heatmaps, output.heatmaps)  # still the network's own


def test_aus_enter_at_step_three(net: MPENet, output: MPEOutput) -> None:
    with torch.no_grad():
        other = net(LR, au_probability=1 - output.au_logits.sigmoid())
    torch.testing.assert_close(other.sr[:2], output.sr[:2])
    assert (other.sr[2] - output.sr[2]).abs().max() > 1e-3
    torch.testing.assert_close(other.au_logits, output.au_logits)


def test_the_au_prior_is_probability_times_attention(net: MPENet) -> None:
    attention = random(2, AUS, 32, 32)
    scaled = PROBABILITY.view(2, AUS, 1, 1) * attention
    with torch.no_grad():
        product = net(LR, au_probability=PROBABILITY, attention=attention)
        ready = net(LR, au_probability=torch.ones(2, AUS), attention=scaled)
    torch.testing.assert_close(product.sr, ready.sr)


def test_without_attention_the_probability_fills_its_map() -> None:
    net = awake(use_attention=False)
    with torch.no_grad():
        whole = net(LR, au_probability=PROBABILITY)
        ones = net(LR, au_probability=PROBABILITY, attention=torch.ones(2, AUS, 32, 32))
        none = net(LR, au_probability=PROBABILITY, attention=torch.zeros(2, AUS, 32, 32))
    torch.testing.assert_close(whole.sr[2], ones.sr[2])
    assert (whole.sr[2] - none.sr[2]).abs().max() > 1e-3


def test_heatmaps_enter_at_step_three_only_if_carried() -> None:
    for carry in (True, False):
        net = awake(carry_landmarks=carry)
        with torch.no_grad():
            net.perb.fusions[1][0].weight[:, -68:] = 0  # step 2 is blind to landmarks
            own = net(LR)
            blank = net(LR, heatmaps=torch.zeros(2, 68, 32, 32))
        torch.testing.assert_close(blank.sr[1], own.sr[1])
        assert ((blank.sr[2] - own.sr[2]).abs().max() > 1e-3) == carry


@pytest.mark.parametrize("carry", [True, False])
def test_one_face_with_a_prior_of_several_rows_goes_on_in_as_many(carry: bool) -> None:
    net = awake(carry_landmarks=carry)
    maps = random(2, 68, 32, 32)
    with torch.no_grad():
        aus = net(LR[:1], au_probability=PROBABILITY, iterations=4)
        landmarks = net(LR[:1], heatmaps=maps)
        both = LR[:1].expand(2, -1, -1, -1)
        expected = net(both, au_probability=PROBABILITY, iterations=4), net(both, heatmaps=maps)
    assert [len(sr) for sr in aus.sr] == [1, 1, 2, 2]
    assert [len(sr) for sr in landmarks.sr] == [1, 2, 2]
    for found, repeated in zip((aus, landmarks), expected, strict=True):
        for sr, other in zip(found.sr, repeated.sr, strict=True):
            torch.testing.assert_close(sr.expand_as(other), other)


# ---- MPENet: gradients


def reached(loss: Tensor, branch: nn.Module) -> bool:
    grads = torch.autograd.grad(loss, list(branch.parameters()), allow_unused=True, retain_graph=True)
    return any(grad is not None and bool(grad.any()) for grad in grads)


@pytest.mark.parametrize("detach", [False, True])
def test_gradient_flows_through_the_priors_unless_detached(detach: bool) -> None:
    net = awake(detach_priors=detach)
    found = net(LR)
    step_1, step_2, step_3 = (sr.square().mean() for sr in found.sr)
    assert not reached(step_1, net.align)
    assert reached(step_2, net.align) is not detach
    assert not reached(step_2, net.detect)
    assert reached(step_3, net.detect) is not detach
    assert reached(step_3, net.extract)
    assert reached(found.heatmaps[0].square().mean(), net.align)  # its own loss always does
    assert reached(found.au_logits.square().mean(), net.detect)


def test_attention_carries_no_gradient(net: MPENet, output: MPEOutput) -> None:
    found = net(LR, heatmaps=output.heatmaps[-1], au_probability=PROBABILITY)
    assert not found.attention.requires_grad
    assert not reached(found.sr[2].square().mean(), net.align)


def test_every_parameter_learns() -> None:
    net = awake().train()
    found = net(LR)
    loss = sum(part.square().mean() for part in (*found.sr, *found.heatmaps, found.au_logits))
    loss.backward()
    assert [name for name, parameter in net.named_parameters() if parameter.grad is None] == []


# ---- MPENet: nothing is kept, nothing is mixed


@pytest.mark.parametrize("training", [False, True])
def test_the_state_is_passed_and_never_kept(training: bool) -> None:
    net = awake().train(training)
    with torch.no_grad():
        first = net(LR)
        net(1 - LR)
        again = net(LR)
    torch.testing.assert_close(again.sr, first.sr, rtol=0, atol=0)
    torch.testing.assert_close(again.au_logits, first.au_logits, rtol=0, atol=0)


def test_faces_of_a_batch_do_not_mix(net: MPENet, output: MPEOutput) -> None:
    with torch.no_grad():
        alone = net(LR[1:])
    torch.testing.assert_close(alone.sr, tuple(sr[1:] for sr in output.sr), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(alone.au_logits, output.au_logits[1:], rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(alone.attention, output.attention[1:])


@pytest.mark.parametrize(
    ("prior", "switched_off"),
    [
        ("heatmaps", {"use_landmarks": False, "use_attention": False}),
        ("au_probability", {"use_aus": False, "use_attention": False}),
        ("attention", {"use_aus": False, "use_attention": False}),
    ],
)
def test_a_prior_that_the_network_has_not_is_refused(prior: str, switched_off: dict[str, bool]) -> None:
    with pytest.raises(ValueError, match=f"{prior} is given, but this network has no such prior"):
        awake(**switched_off)(LR, **{prior: torch.zeros(2, 68, 32, 32)})


# ---- MPENet: memory formats and precisions


def test_channels_last_changes_nothing(output: MPEOutput) -> None:
    net = awake().to(memory_format=torch.channels_last)
    with torch.no_grad():
        found = net(LR.contiguous(memory_format=torch.channels_last))
    torch.testing.assert_close(found.sr, output.sr, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(found.heatmaps, output.heatmaps, rtol=1e-4, atol=1e-5)


def test_bf16_autocast_is_close_and_returns_full_precision_pictures(net: MPENet, output: MPEOutput) -> None:
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        found = net(LR, attention=output.attention)
    for sr, expected in zip(found.sr, output.sr, strict=True):
        assert sr.dtype == torch.float32
        torch.testing.assert_close(sr, expected, rtol=0, atol=0.03)
        assert (sr - expected).abs().mean() < 0.003


def test_bf16_autocast_trains() -> None:
    net = awake().train()
    with torch.autocast("cpu", torch.bfloat16):
        found = net(LR)
    found.sr[2].square().mean().backward()
    for parameter in net.parameters():
        assert parameter.grad is None or parameter.grad.isfinite().all()
    assert net.extract[0].weight.grad.any()


def test_double_precision_gives_the_same(output: MPEOutput) -> None:
    with torch.no_grad():
        found = awake().double()(LR.double())
    assert {sr.dtype for sr in found.sr} == {torch.float64}
    torch.testing.assert_close(found.sr, tuple(sr.double() for sr in output.sr), rtol=1e-4, atol=1e-5)


# ---- MPENet: it learns


def test_it_overfits_four_crops() -> None:
    astronaut = skimage.data.astronaut()
    crops = np.stack([astronaut[top : top + 128, left : left + 128] for top in (0, 64) for left in (128, 192)])
    hr, lr = to_tensor(crops), to_tensor(np.stack([degrade(crop) for crop in crops]))
    torch.manual_seed(0)
    net = build_model("tiny").to(memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3, betas=(0.9, 0.99))
    for update in range(20):
        optimizer.param_groups[0]["lr"] = 1e-3 * min(1, (update + 1) / 6)  # a first step that is too long stops it
        loss = torch.stack([F.mse_loss(sr, hr) for sr in net(lr).sr]).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss < 0.92 * F.mse_loss(bilinear(lr), hr)
