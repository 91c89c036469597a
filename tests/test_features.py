"""Features are read as their public files hold them, and everything else is refused in one line."""

import hashlib
import http.server
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from shared import Trap
from torch import Tensor
from torch.nn import functional as F
from urllib3.util import connection

from mpe_lib.errors import UserError
from mpe_lib.features import PUBLIC, find_features, read_features
from mpe_lib.nets import VGGFace
from mpe_lib.nets.vggface import MEAN

WIDTHS = {1: (64, 64), 2: (128, 128), 3: (256, 256, 256), 4: (512, 512, 512), 5: (512, 512, 512)}


def read_vggface(path: Path) -> Any:
    return read_features(PUBLIC["vggface"], path)


def conversion() -> dict[str, Tensor]:
    """Keys and shapes of vgg_face_dag.pth, random convs; the layers that name people take no room."""
    random = torch.Generator().manual_seed(0)
    tensors: dict[str, Tensor] = {}
    inputs = 3
    for block, widths in WIDTHS.items():
        for number, width in enumerate(widths, 1):
            scale = (2 / (9 * inputs)) ** 0.5
            tensors[f"conv{block}_{number}.weight"] = scale * torch.randn(width, inputs, 3, 3, generator=random)
            tensors[f"conv{block}_{number}.bias"] = 0.1 * torch.randn(width, generator=random)
            inputs = width
    for name, shape in {"fc6": (4096, 25088), "fc7": (4096, 4096), "fc8": (2622, 4096)}.items():
        tensors |= {f"{name}.weight": torch.zeros(1).expand(shape), f"{name}.bias": torch.zeros(1).expand(shape[0])}
    return tensors


@pytest.fixture(scope="module")
def tensors() -> dict[str, Tensor]:
    return conversion()


@pytest.fixture(scope="module")
def file(tensors: dict[str, Tensor], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("vggface") / "vgg_face_dag.pth"
    torch.save(tensors, path, _use_new_zipfile_serialization=False)  # as old as the real one
    return path


def test_relu5_3_of_every_conv_in_its_place(file: Path, tensors: dict[str, Tensor]) -> None:
    picture = torch.rand(1, 3, 128, 128, generator=torch.Generator().manual_seed(1))
    x = 255 * picture - torch.tensor([129.186279296875, 104.76238250732422, 93.59396362304688])[:, None, None]  # RGB
    for block, widths in WIDTHS.items():
        for number in range(1, len(widths) + 1):
            x = F.conv2d(x, tensors[f"conv{block}_{number}.weight"], tensors[f"conv{block}_{number}.bias"], padding=1)
            x = x.clamp(min=0)
        if block < 5:
            x = F.max_pool2d(x, 2)
    with torch.inference_mode():
        features = read_vggface(file)(picture)
    assert features.shape == (1, 512, 8, 8)
    assert torch.allclose(features, x, rtol=1e-4, atol=1e-3 * x.max().item())
    assert sum(parameter.numel() for parameter in read_vggface(file).parameters()) == 14_714_688


def test_the_mean_face_of_vgg_is_nothing_and_the_channels_are_rgb(file: Path) -> None:
    net = read_vggface(file)
    seen: list[Tensor] = []
    net.conv1_1.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    net(torch.tensor(MEAN).view(1, 3, 1, 1).expand(1, 3, 32, 32) / 255)
    net(torch.tensor([1.0, 0, 0]).view(1, 3, 1, 1).expand(1, 3, 32, 32))  # red
    assert seen[0].abs().max() < 1e-4
    assert seen[1][0, :, 0, 0].tolist() == pytest.approx([255 - MEAN[0], -MEAN[1], -MEAN[2]])
    assert MEAN[0] > MEAN[1] > MEAN[2]  # skin is redder than blue; of a BGR mean it would be the other way round


def test_a_newer_file_format(tensors: dict[str, Tensor], tmp_path: Path) -> None:
    torch.save(tensors, tmp_path / "new.pth")
    assert torch.equal(read_vggface(tmp_path / "new.pth").conv5_3.weight, tensors["conv5_3.weight"])


def refusal(path: Path) -> str:
    with pytest.raises(UserError) as caught:
        read_vggface(path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"conv3_2.weight": None}, ": conv3_2.weight is missing, not [256, 256, 3, 3]; give vgg_face_dag.pth from "),
        ({"conv1_1.weight": torch.zeros(64, 4, 3, 3)}, ": conv1_1.weight is [64, 4, 3, 3], not [64, 3, 3, 3]; "),
        ({"conv5_3.bias": "a word"}, ": conv5_3.bias is missing, "),
    ],
)
def test_another_network(tensors: dict[str, Tensor], tmp_path: Path, change: dict[str, Any], told: str) -> None:
    changed = {name: tensor for name, tensor in (tensors | change).items() if tensor is not None}
    torch.save(changed, tmp_path / "other.pth")
    assert told in refusal(tmp_path / "other.pth")


def test_a_file_that_would_run_code(tmp_path: Path) -> None:
    torch.save({"conv1_1.weight": Trap(tmp_path / "sprung")}, tmp_path / "trap.pth")
    assert "no state dict (" in refusal(tmp_path / "trap.pth")
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize("content", [b"", b"<html>not found</html>", b"PK\x03\x04 cut off"])
def test_no_state_dict(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "file.pth").write_bytes(content)
    assert "no state dict (" in refusal(tmp_path / "file.pth")
    assert "does not exist" in refusal(tmp_path / "none.pth")


def test_without_vggface_it_is_told_how_to_get_it() -> None:
    with pytest.raises(UserError, match=r"--vggface FILE, or take ours: --set train\.features=own$"):
        find_features("vggface")


def test_our_own_features_are_asked_for_by_name() -> None:
    ours = find_features("own")
    assert isinstance(ours, VGGFace)
    assert not ours.training
    picture = torch.rand(2, 3, 128, 128)
    assert ours(picture).shape == (2, 128, 8, 8)
    assert ours(picture).std() > 0


# ---- an address


@pytest.fixture
def server(file: Path) -> Iterator[str]:
    """A server on this machine that has the file."""

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args: Any) -> None:
            super().__init__(*args, directory=str(file.parent))

        def send_head(self) -> Any:
            if not self.path.startswith("/to/"):
                return super().send_head()
            self.send_response(302)
            self.send_header("Location", self.path.removeprefix("/to/"))
            self.end_headers()
            return None

        def log_message(self, *_: Any) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        thread = threading.Thread(target=listening.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listening.server_port}/"
        listening.shutdown()


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("pooch.os_cache", lambda name: tmp_path / "cache")
    return tmp_path / "cache"


@pytest.fixture
def digest(file: Path) -> str:
    return f"#sha256={hashlib.sha256(file.read_bytes()).hexdigest()}"


@pytest.mark.parametrize("place", ["", "to//", "to/{}to/{}"])  # also by way of others of this machine
def test_an_address_is_downloaded_once(
    server: str, file: Path, cache: Path, tensors: dict[str, Tensor], digest: str, place: str
) -> None:
    told: list[tuple[int, int]] = []
    address = f"{server}{place.format(server, server)}vgg_face_dag.pth{digest}"
    features = find_features("vggface", address, lambda done, total: told.append((done, total)))
    assert torch.equal(features.conv1_1.weight, tensors["conv1_1.weight"])
    size = file.stat().st_size
    assert told[-1] == (size, size)
    assert [path.stat().st_size for path in cache.iterdir()] == [size]
    told.clear()
    find_features("vggface", address, lambda done, total: told.append((done, total)))
    assert not told


def test_what_comes_from_an_address_without_a_sum_is_not_read(
    server: str, file: Path, cache: Path, digest: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = f"{server}vgg_face_dag.pth"
    with monkeypatch.context() as patched:
        patched.setattr("torch.load", pytest.fail)
        for _ in range(2):
            with pytest.raises(UserError) as caught:
                find_features("vggface", address)
    assert str(caught.value) == (
        f"{address} is downloaded, and not used before you say what it must be; "
        f"if this is the file that you want, give its sum too: {address}{digest}"
    )
    find_features("vggface", address + digest)


def test_another_file_than_the_sum_says(server: str, file: Path, cache: Path, digest: str) -> None:
    address = f"{server}vgg_face_dag.pth"
    for _ in range(2):
        with pytest.raises(UserError, match=r"cannot be downloaded: it is not the one expected \(SHA-256\); check"):
            find_features("vggface", f"{address}#sha256={'0' * 64}")
        assert not list(cache.iterdir())
    find_features("vggface", address + digest)
    (kept,) = cache.iterdir()
    kept.write_bytes(kept.read_bytes()[:-1])  # damaged, or another: it is had anew
    find_features("vggface", address + digest)
    assert kept.read_bytes() == file.read_bytes()


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("{}none.pth", "cannot be downloaded: the server answers 404"),
        ("http://127.0.0.1:9/vgg.pth", "cannot be downloaded: no connection to 127.0.0.1"),
        ("http://example.com/vgg.pth", "is no https address; "),
        ("ftp://example.com/vgg.pth", "is no https address; "),
        ("https://[/vgg.pth", "is no https address; "),
        ("{}vgg_face_dag.pth#sha256=12", "'12' is no SHA-256; write its 64 digits"),
        ("{}to/http://example.com/vgg.pth", "the server leads to http://example.com/vgg.pth, which is no https"),
        ("{0}to/{0}to//to/http://10.0.0.1/vgg.pth", "the server leads to http://10.0.0.1/vgg.pth, which is no https"),
        ("{}to/ftp://127.0.0.1/vgg.pth", "the server leads to ftp://127.0.0.1/vgg.pth, which is no https address"),
        ("{}to///example.com/vgg.pth", "the server leads to http://example.com/vgg.pth, which is no https address"),
    ],
)
def test_nothing_comes_from_an_address(
    server: str, cache: Path, address: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect, asked = connection.create_connection, list[str]()

    def noted(address: tuple[str, int], *args: Any, **options: Any) -> socket.socket:
        asked.append(address[0])
        return connect(address, *args, **options)

    monkeypatch.setattr(connection, "create_connection", noted)
    monkeypatch.setenv("NO_PROXY", "*")
    with pytest.raises(UserError) as caught:
        find_features("vggface", address.format(server))
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not cache.exists() or not list(cache.iterdir())
    assert {*asked} <= {"127.0.0.1"}  # nobody else, not even in vain


# ---- LightCNN

CONVS = {
    "0": (48, 3, 5),
    "2.conv_a": (48, 48, 1),
    "2.conv": (96, 48, 3),
    "4.conv_a": (96, 96, 1),
    "4.conv": (192, 96, 3),
}
CONVS |= {"6.conv_a": (192, 192, 1), "6.conv": (128, 192, 3), "7.conv_a": (128, 128, 1), "7.conv": (128, 128, 3)}


def test_lightcnn_of_every_conv_in_its_place(tmp_path: Path) -> None:
    random = torch.Generator().manual_seed(0)
    tensors: dict[str, Tensor] = {}
    for name, (outputs, inputs, side) in CONVS.items():
        scale = (1 / (side * side * inputs)) ** 0.5
        tensors[f"features.{name}.filter.weight"] = scale * torch.randn(
            2 * outputs, inputs, side, side, generator=random
        )
        tensors[f"features.{name}.filter.bias"] = 0.1 * torch.randn(2 * outputs, generator=random)
    torch.save(tensors, tmp_path / "LightCNN_feature.pth")
    picture = torch.rand(1, 3, 128, 128, generator=random)
    x = picture
    for name, (_, _, side) in CONVS.items():
        weight, bias = (tensors[f"features.{name}.filter.{kind}"] for kind in ("weight", "bias"))
        one, other = F.conv2d(x, weight, bias, padding=side // 2).chunk(2, 1)
        x = torch.maximum(one, other)
        if name in ("0", "2.conv", "4.conv", "7.conv"):
            x = F.max_pool2d(x, 2)
    with torch.inference_mode():
        features = find_features("lightcnn", str(tmp_path / "LightCNN_feature.pth"))(picture)
    assert features.shape == (1, 128, 8, 8)
    torch.testing.assert_close(features, x, rtol=1e-4, atol=1e-4)


def test_without_lightcnn_it_is_told_how_to_get_it() -> None:
    with pytest.raises(UserError, match=r"by LightCNN-9, .* give --lightcnn FILE, or take ours: --set"):
        find_features("lightcnn")
