"""A network goes to the Hugging Face Hub and comes back: through a folder, and through a server on loopback."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from mpe_lib import UserError, load
from mpe_lib.nets import MPENet


@pytest.fixture(scope="module")
def small() -> MPENet:
    net = load("small")
    assert isinstance(net, MPENet)
    return net


@pytest.fixture
def saved(small: MPENet, tmp_path: Path) -> Path:
    small.save_pretrained(tmp_path / "net")
    return tmp_path / "net"


def test_what_is_saved_comes_back_the_same(small: MPENet, saved: Path) -> None:
    back = MPENet.from_pretrained(saved)
    assert back.config == small.config
    assert not back.training
    lr = torch.rand(2, 3, 16, 16)
    with torch.inference_mode():
        for one, other in zip(small(lr).sr, back(lr).sr, strict=True):
            torch.testing.assert_close(one, other)


def test_the_folder_says_what_it_is(saved: Path) -> None:
    assert {"model.safetensors", "config.json", "README.md"} <= {file.name for file in saved.iterdir()}
    config = json.loads((saved / "config.json").read_text())
    assert config["channels"] == 32
    assert config["aus"] == [1, 2, 4, 6, 9, 12, 25, 26]
    card = (saved / "README.md").read_text()
    assert "face-super-resolution" in card
    assert "library_name: mpe_lib" in card


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_a_part_is_missing(saved: Path, name: str) -> None:
    (saved / name).unlink()
    with pytest.raises(UserError, match=name.replace(".", r"\.")):
        MPENet.from_pretrained(saved)


def test_weights_of_another_config(saved: Path) -> None:
    config = json.loads((saved / "config.json").read_text())
    (saved / "config.json").write_text(json.dumps(config | {"channels": 16}))
    with pytest.raises(UserError, match="do not fit its config"):
        MPENet.from_pretrained(saved)
    (saved / "config.json").write_text(json.dumps(config | {"chanels": 16}))
    with pytest.raises(UserError, match=r"unknown field 'net\.chanels'"):
        MPENet.from_pretrained(saved)


def test_weights_that_are_not_finite(small: MPENet, saved: Path) -> None:
    tensors = {name: tensor.contiguous() for name, tensor in small.state_dict().items()}
    tensors["extract.0.bias"] = torch.full_like(tensors["extract.0.bias"], torch.nan)
    save_file(tensors, saved / "model.safetensors")
    with pytest.raises(UserError, match=r"'extract\.0\.bias' holds numbers that are not finite"):
        MPENet.from_pretrained(saved)


def test_a_pickle_is_not_opened(small: MPENet, saved: Path) -> None:
    (saved / "model.safetensors").unlink()
    torch.save(small.state_dict(), saved / "pytorch_model.bin")
    with pytest.raises(UserError):
        MPENet.from_pretrained(saved)


def test_it_goes_to_the_hub(small: MPENet, saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What `push_to_hub` would send is what `save_pretrained` writes."""
    sent = tmp_path / "sent"

    class Hub:
        def __init__(self, token: str | None = None) -> None:
            self.token = token

        def create_repo(self, repo_id: str, **_: object) -> object:
            return type("Repo", (), {"repo_id": repo_id})

        def upload_folder(self, repo_id: str, folder_path: Path, **_: object) -> str:
            shutil.copytree(folder_path, sent / repo_id)
            return repo_id

    monkeypatch.setattr("huggingface_hub.hub_mixin.HfApi", Hub)
    small.push_to_hub("someone/small", token="none")
    assert {file.name for file in (sent / "someone/small").iterdir()} == {file.name for file in saved.iterdir()}
    back = MPENet.from_pretrained(sent / "someone/small")
    assert all(torch.equal(a, b) for a, b in zip(back.state_dict().values(), small.state_dict().values(), strict=True))
