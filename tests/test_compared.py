"""The systems that MPENet is compared with: as large as published, and built as described."""

from typing import Any

import numpy as np
import pytest
import skimage.data
import torch
from torch import Tensor, nn

from mpe_lib.config import PRESETS, preset
from mpe_lib.faces.degrade import bicubic, degrade
from mpe_lib.heatmaps import REGIONS, encode, merge
from mpe_lib.metrics import luma as luma_of_levels
from mpe_lib.nets import DIC, build_model
from mpe_lib.nets.compared.bicubic import LUMA, add_luma, enlarge, luma
from mpe_lib.nets.compared.lightcnn import LightCNN, MaxFeatureMap
from mpe_lib.nets.compared.sisn import SplitAttention
from mpe_lib.nets.compared.wavelet import compose, decompose, packets, wavelet_loss
from mpe_lib.pixels import to_picture, to_tensor

SMALL = [name for name in PRESETS if name.endswith("-small") and name not in ("mpegan-small", "judge-small")]
RESTORING = [name for name in SMALL if name != "dicgan-small"]


def random(*shape: int) -> Tensor:
    """Values in [0, 1], the same every time."""
    return torch.rand(shape, generator=torch.Generator().manual_seed(0))


def parameters(net: nn.Module) -> int:
    return sum(parameter.numel() for parameter in net.parameters())


def fresh(name: str, **changes: object) -> Any:
    torch.manual_seed(0)
    return build_model(preset(name).replace({f"net.{field}": value for field, value in changes.items()}).net)


LR = random(2, 3, 16, 16)

# ---- as published


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("srcnn", 57_281),
        ("vdsr", 664_704),
        ("wavelet", 74_999_296),
        ("srfbn", 7_891_318),
        ("dic", 21_803_849),
        ("dicgan", 21_803_849),
        ("sisn", 8_755_035),
    ],
)
def test_so_many_parameters(name: str, count: int) -> None:
    with torch.device("meta"):
        assert parameters(build_model(name)) == count


def test_the_parts_of_dic() -> None:
    with torch.device("meta"):
        net: Any = build_model("dic")
    parts = [net.extract, net.first, net.attend, net.reconstruct[:2], net.reconstruct[2], net.align]
    assert [parameters(part) for part in parts] == [5_377, 4_090_776, 1_466_640, 147_505, 1_299, 11_999_172]
    assert sum(parameters(part) for part in (net.join, net.attend, net.feedback)) == 5_559_720


def test_the_discriminator_of_dicgan() -> None:
    with torch.device("meta"):
        assert parameters(LightCNN()) == 5_485_921
    assert LightCNN(0.25)(random(2, 3, 128, 128)).shape == (2,)


# ---- what all have in common


@pytest.mark.parametrize("name", RESTORING)
def test_it_restores_as_mpenet_does(name: str) -> None:
    net = fresh(name).eval()
    with torch.inference_mode():
        output = net(LR)
    assert len(output.sr) == net.config.iterations
    assert {tuple(picture.shape) for picture in output.sr} == {(2, 3, 128, 128)}
    assert (output.heatmaps is not None) == net.config.use_landmarks
    assert output.au_logits is None
    assert output.attention is None


@pytest.mark.parametrize("name", RESTORING)
def test_faces_of_a_batch_do_not_mix(name: str) -> None:
    net = fresh(name).eval()
    with torch.inference_mode():
        together, alone = net(LR).sr[-1], net(LR[1:]).sr[-1]
    torch.testing.assert_close(together[1:], alone, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("name", RESTORING)
def test_everything_learns_but_constants(name: str) -> None:
    net = fresh(name).train()
    for layer in net.modules():
        if isinstance(layer, nn.Conv2d) and layer.weight.requires_grad and not layer.weight.any():
            nn.init.normal_(layer.weight, std=0.02)  # what starts at zero hides what lies before it
    output = net(LR)
    sum((picture.square().sum() for picture in (*output.sr, *(output.heatmaps or ()))), torch.zeros(())).backward()
    idle = [
        key
        for key, value in net.named_parameters()
        if value.requires_grad and not (value.grad is not None and value.grad.any())
    ]
    assert idle == []


@pytest.mark.parametrize(
    ("name", "start"), [("vdsr-small", "bicubic"), ("srfbn-small", "bilinear"), ("dic-small", "bilinear")]
)
def test_a_residual_starts_at_the_enlarged_picture(name: str, start: str) -> None:
    with torch.inference_mode():
        pictures = fresh(name).eval()(LR).sr
    wanted = enlarge(LR) if start == "bicubic" else nn.functional.interpolate(LR, scale_factor=8.0, mode="bilinear")
    for picture in pictures:
        torch.testing.assert_close(picture, wanted, atol=1e-5, rtol=1e-5)


# ---- bicubic


def test_enlarging_is_that_of_pillow() -> None:
    """To two levels: Pillow rounds between its two passes, and clips."""
    small = degrade(np.ascontiguousarray(skimage.data.astronaut()[30:158, 160:288]))
    by_torch = to_picture(enlarge(to_tensor(small[None])))[0]
    assert np.abs(by_torch.astype(int) - bicubic(small)).max() <= 2


def test_luma_is_that_of_the_metric_and_changes_alone() -> None:
    picture = random(2, 3, 8, 8)
    levels = to_picture(picture)
    torch.testing.assert_close(255 * luma(to_tensor(levels)).double() + 16, luma_of_levels(levels), atol=1e-3, rtol=0)
    changed = add_luma(picture, torch.full((2, 1, 8, 8), 0.1))
    torch.testing.assert_close(luma(changed), luma(picture) + 0.1)
    torch.testing.assert_close(changed[:, 0] - changed[:, 2], picture[:, 0] - picture[:, 2])  # its chroma
    assert sum(LUMA) == pytest.approx(219 / 255, abs=1e-3)


@pytest.mark.parametrize("name", ["srcnn", "vdsr-small"])
def test_a_network_of_luma_leaves_chroma_alone(name: str) -> None:
    net = fresh(name)
    nn.init.normal_(net.layers[-1].weight, std=0.1)
    with torch.inference_mode():
        picture = net.eval()(LR).sr[0]
    moved = picture - enlarge(LR)
    assert moved.abs().max() > 0.01
    torch.testing.assert_close(moved[:, 0], moved[:, 1], atol=1e-5, rtol=0)


# ---- Wavelet-SRNet


def test_the_packet_is_orthonormal_and_of_eighths() -> None:
    kernels = packets().flatten(1)
    assert set(kernels.abs().unique().tolist()) == {0.125}
    torch.testing.assert_close(kernels @ kernels.T, torch.eye(64))


def test_composed_is_what_was_decomposed() -> None:
    picture = random(2, 3, 128, 128)
    torch.testing.assert_close(compose(decompose(picture)), picture, atol=1e-5, rtol=1e-5)


def test_bands_become_finer() -> None:
    """A picture that is constant in blocks has only the bands that are as coarse."""
    for block, bands in ((8, 1), (4, 4), (2, 16), (1, 64)):
        picture = random(1, 3, 128 // block, 128 // block).repeat_interleave(block, -1).repeat_interleave(block, -2)
        energy = decompose(picture).square().sum((0, 2, 3, 4))
        assert (energy[:bands] > 1e-3).all()
        assert (energy[bands:] < 1e-6).all()


def test_the_mean_band_is_eight_means() -> None:
    torch.testing.assert_close(decompose(torch.full((1, 3, 16, 16), 0.5))[0, 0], torch.full((3, 2, 2), 4.0))


def test_wavelet_loss_by_hand() -> None:
    """One colour of one pixel is wrong by 1/2: each band by 1/16, and the original has no detail to be wanted."""
    hr = torch.full((1, 3, 8, 8), 0.5)
    sr = hr.clone()
    sr[0, 0, 0, 0] = 1.0
    by_band = 1 / 16**2 / 2
    assert wavelet_loss(sr, hr).item() == pytest.approx(0.99 * 63 * by_band + 0.01 * by_band + 0.1 * 0.25 / 2)
    # swapped, the detail is wanted: 1.2 / 16**2 in each of the 63 bands, and it is not there
    swapped = 0.99 * 63 * by_band + 0.01 * by_band + 0.1 * 0.25 / 2 + 1.2 / 16**2
    assert wavelet_loss(hr, sr).item() == pytest.approx(swapped)


# ---- DIC


def test_regions_are_merged_by_hand() -> None:
    """A map of height .5 is stretched to 1; one that is low everywhere, to its height over .05."""
    maps = torch.zeros(1, 68, 4, 4)
    maps[0, 36, 1, 2] = 0.5  # left eye
    maps[0, 41, 1, 2] = 0.01
    regions = merge(maps)
    assert regions.shape == (1, 5, 4, 4)
    assert regions[0, 0, 1, 2].item() == pytest.approx(1.2)
    assert regions.sum().item() == pytest.approx(1.2)


def test_every_landmark_has_its_region() -> None:
    assert sorted(point for region in REGIONS for point in range(68)[region]) == list(range(68))
    maps = encode(torch.full((1, 68, 2), 3.0), 8)
    assert merge(maps)[0, :, 3, 3].tolist() == [6, 6, 9, 20, 27]


def test_dic_attends_by_its_landmarks() -> None:
    """Where a region's map is by far the highest, the features are that region's."""
    net: DIC = fresh("dic-small")
    x = random(1, 32, 32, 32)
    regions = torch.zeros(1, 5, 32, 32)
    regions[:, 2] = 100.0
    with torch.inference_mode():
        attended = net.attend(x, regions)
        alone = net.attend.split(x)
        for block in net.attend.blocks:
            alone = alone + block(alone)
    torch.testing.assert_close(attended, alone[:, 64:96])


def test_the_hourglass_remembers() -> None:
    net: DIC = fresh("dic-small")
    nn.init.normal_(net.align.head[-1].weight, std=0.1)
    picture = random(1, 3, 128, 128)
    with torch.inference_mode():
        first, memory = net.align(picture, None)
        second, _ = net.align(picture, memory)
    assert memory.shape == (1, 64, 32, 32)
    assert not torch.allclose(first, second)


# ---- SISN and LightCNN


def test_split_attention_is_a_mean_of_its_versions() -> None:
    """Each channel takes shares of the versions that add up to 1: four equal versions come out as they are."""
    torch.manual_seed(0)
    attention = SplitAttention(8, 4).eval()
    with torch.no_grad():
        versions = attention.split[0].weight.view(4, 8, 2, 3, 3)  # type: ignore[operator]
        versions.copy_(versions[:1].expand_as(versions).clone())
        x = random(2, 2, 5, 5).repeat(1, 4, 1, 1)  # each version sees a quarter of the channels: here the same
        out = attention(x)
        one = attention.split(x)[:, :8]
    torch.testing.assert_close(out, one)


def test_of_each_pair_the_larger_counts() -> None:
    layer = nn.Linear(1, 4, bias=False)
    layer.weight.data = torch.tensor([[1.0], [2.0], [3.0], [-4.0]])
    assert MaxFeatureMap(layer)(torch.tensor([[1.0], [-1.0]])).tolist() == [[3, 2], [-1, 4]]
