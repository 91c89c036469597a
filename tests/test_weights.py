"""Weights are saved whole, loaded as they were, and refused in one line when they are not what they seem."""

import errno
import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from shared import Trap

import mpe_lib
from mpe_lib import weights
from mpe_lib.config import preset
from mpe_lib.errors import UserError
from mpe_lib.nets import MPENet, build_model


def config_in(path: Path) -> dict[str, Any]:
    """The config as the file holds it: after 8 bytes of length, a header in JSON."""
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    return json.loads(json.loads(content[8 : 8 + length])["__metadata__"]["config"])


def refusal(name: str | Path) -> str:
    with pytest.raises(UserError) as caught:
        weights.load(name)
    line = str(caught.value)
    assert str(name).replace("\0", "\\x00") in line
    assert "\n" not in line
    assert "; " in line  # the remedy
    return line


# ---- there and back


def test_what_is_saved_is_loaded_to_the_bit(tiny: MPENet, tiny_file: Path) -> None:
    loaded = mpe_lib.load(tiny_file)
    assert not loaded.training
    assert loaded.config == tiny.config
    assert loaded.state_dict().keys() == tiny.state_dict().keys()
    for name, tensor in tiny.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], tensor), name
    lr = torch.rand(1, 3, 16, 16)
    with torch.inference_mode():
        assert torch.equal(loaded(lr).sr[-1], tiny(lr).sr[-1])
    assert loaded.extract[0].weight.is_contiguous(memory_format=torch.channels_last)


def test_the_config_comes_along(tmp_path: Path) -> None:
    config = preset("tiny").replace({"net.aus": "6,12", "net.use_attention": False, "train.lr": 0.5})
    weights.save(tmp_path / "two.safetensors", MPENet(config.net).state_dict(), config)
    assert weights.load(tmp_path / "two.safetensors").config == config.net
    assert config_in(tmp_path / "two.safetensors") == config.to_dict()


def test_half_precision_spares_the_batch_norm_statistics(tiny: MPENet, tmp_path: Path) -> None:
    path = tmp_path / "half.safetensors"
    weights.save(path, tiny.state_dict(), preset("tiny"), half=True)
    stored = load_file(path)
    assert {tensor.dtype for name, tensor in stored.items() if "running_" in name} == {torch.float32}
    assert {tensor.dtype for name, tensor in stored.items() if "num_batches" in name} == {torch.int64}
    rest = {tensor.dtype for name, tensor in stored.items() if "running_" not in name and "num_batches" not in name}
    assert rest == {torch.float16}
    for name, tensor in weights.load(path).state_dict().items():
        original = tiny.state_dict()[name]
        assert tensor.dtype == original.dtype  # single again, for the CPU
        assert torch.equal(tensor, original if "running_" in name else original.half().to(original.dtype))


def test_a_run_is_loaded_by_its_folder(tiny_file: Path, tmp_path: Path) -> None:
    (tmp_path / "run" / "best").mkdir(parents=True)
    shutil.copy(tiny_file, tmp_path / "run" / "best" / "net.safetensors")
    assert weights.load(tmp_path / "run").config == preset("tiny").net


@pytest.fixture
def shipped(tiny_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A place where the weights `tiny` and `large` are shipped."""
    folder = tmp_path / "shipped"
    folder.mkdir()
    for name in ("tiny", "large"):
        shutil.copy(tiny_file, folder / f"{name}.safetensors")
    monkeypatch.setattr(weights, "SHIPPED", folder)
    return folder


def test_shipped_weights_are_loaded_by_name(shipped: Path) -> None:
    assert weights.find("tiny") == shipped / "tiny.safetensors"
    assert weights.load("tiny").config == preset("tiny").net


def test_a_folder_of_the_same_name_does_not_hide_shipped_weights(
    shipped: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tiny").mkdir()
    assert weights.find("tiny") == shipped / "tiny.safetensors"
    assert "no best/net.safetensors" in refusal("./tiny")


# ---- what is refused


@pytest.mark.usefixtures("shipped")
def test_a_name_that_is_not_there_is_told_with_the_near_ones() -> None:
    assert refusal("tinny") == "weights 'tinny' not found; did you mean tiny?, or the path of a file or run"
    assert "known: " in refusal("xyz")
    assert "not found" in refusal("runs/lost/net.safetensors")
    assert "not found" in refusal("n" * 300)
    assert "not found" in refusal("nul\0")


def test_a_run_that_has_not_validated(tmp_path: Path) -> None:
    assert "no best/net.safetensors in this folder; name a run that has validated" in refusal(tmp_path)


@pytest.mark.parametrize("kept", [0, 4, 8, 100, 5000, -1])
def test_a_truncated_file(tiny_file: Path, tmp_path: Path, kept: int) -> None:
    (tmp_path / "cut.safetensors").write_bytes(tiny_file.read_bytes()[:kept])
    assert "damaged, or no safetensors file" in refusal(tmp_path / "cut.safetensors")


@pytest.mark.parametrize("content", [bytes(1000), b"\xff" * 1000, b"not weights" * 100])
def test_a_file_of_something_else(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "else.safetensors").write_bytes(content)
    assert "damaged, or no safetensors file" in refusal(tmp_path / "else.safetensors")


@pytest.mark.parametrize("name", ["net.safetensors", "net.pt", "net.pth", "net.bin"])
def test_a_pickle_is_refused_and_never_run(tmp_path: Path, name: str) -> None:
    torch.save({"weight": Trap(tmp_path / "sprung")}, tmp_path / name)
    assert "pickled weights are refused" in refusal(tmp_path / name)
    assert not (tmp_path / "sprung").exists()
    torch.load((tmp_path / name).rename(tmp_path / "trap"), weights_only=False)
    assert (tmp_path / "sprung").exists()  # so the trap does work


@pytest.mark.parametrize(
    "metadata",
    [
        None,
        {"config": "not json"},
        {"config": "[1, 2]"},
        {"config": "null"},
        {"config": '{"net": 3}'},
        {"config": '{"net": {"chanels": 16}}'},
        {"config": '{"net": {"channels": "many"}}'},
        {"config": '{"net": {"iterations": 1}}'},
    ],
)
def test_weights_without_a_config_of_ours(tiny: MPENet, tmp_path: Path, metadata: dict[str, str] | None) -> None:
    save_file({name: t.contiguous() for name, t in tiny.state_dict().items()}, tmp_path / "w", metadata)
    assert "holds no config of a network" in refusal(tmp_path / "w")


def test_another_architecture(tiny: MPENet, tmp_path: Path) -> None:
    wider = preset("tiny").replace({"net.channels": 8})
    weights.save(tmp_path / "shapes", tiny.state_dict(), wider)
    assert "'extract.0.weight' is [64, 3, 3, 3], not [32, 3, 3, 3]; it was written for" in refusal(tmp_path / "shapes")
    weights.save(tmp_path / "names", torch.nn.Linear(2, 2).state_dict(), preset("tiny"))
    assert "tensors do not fit its config" in refusal(tmp_path / "names")
    fewer = dict(tiny.state_dict())
    del fewer["detect.fc.bias"]
    weights.save(tmp_path / "fewer", fewer, preset("tiny"))
    assert "first 'detect.fc.bias'" in refusal(tmp_path / "fewer")


def test_a_full_disk_leaves_the_old_weights(tiny_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def write_some(self: Path, content: bytes) -> None:
        with self.open("wb") as file:
            file.write(content[:1000])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    shutil.copy(tiny_file, tmp_path / "net.safetensors")
    monkeypatch.setattr(Path, "write_bytes", write_some)
    with pytest.raises(UserError, match=r"cannot write .*net\.safetensors: No space left on device; .*make room"):
        weights.save(tmp_path / "net.safetensors", build_model("tiny").state_dict(), preset("tiny"))
    assert os.listdir(tmp_path) == ["net.safetensors"]
    assert (tmp_path / "net.safetensors").read_bytes() == tiny_file.read_bytes()


def test_the_compared_systems_come_along() -> None:
    assert mpe_lib.load("dic-small").config.system == "dic"
    assert mpe_lib.load("mpenet-small").config == preset("small").replace({"net.face_scale": 2.5}).net
    assert "did you mean dic-small" in refusal("dic-smal")
