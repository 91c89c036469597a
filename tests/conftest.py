"""What several tests share: one real face, in a photograph and in a face folder, and a small network."""

import shutil
import signal
from pathlib import Path

import pytest
import torch
from hypothesis import settings
from PIL import Image

from mpe_lib import weights
from mpe_lib.config import preset
from mpe_lib.faces.astronaut import astronaut as photograph
from mpe_lib.faces.astronaut import astronaut_folder
from mpe_lib.nets import MPENet, build_model

torch.set_num_threads(1)  # the networks are too small for two to help
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job and what it starts ignore it
settings.register_profile("patient", deadline=None)  # other programs may hold the machine up
settings.load_profile("patient")


@pytest.fixture(scope="session")
def astronaut(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A photograph with one face."""
    path = tmp_path_factory.mktemp("photographs") / "astronaut.png"
    Image.fromarray(photograph()).save(path)
    return path


@pytest.fixture(scope="session")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A face folder, to be read only: 12 pictures to train on, 2 to validate, 2 to test."""
    return astronaut_folder(tmp_path_factory.mktemp("faces") / "astronaut", count=16)


@pytest.fixture
def own_faces(faces: Path, tmp_path: Path) -> Path:
    """A copy of the face folder, to be spoilt."""
    return Path(shutil.copytree(faces, tmp_path / "own_faces"))


@pytest.fixture(scope="session")
def tiny() -> MPENet:
    """A network whose steps differ, for the layers that start at zero have been moved."""
    torch.manual_seed(0)
    net = build_model("tiny")
    for parameter in net.parameters():
        parameter.data += 0.02 * torch.randn_like(parameter)
    return net.eval().to(memory_format=torch.channels_last)


@pytest.fixture(scope="session")
def tiny_file(tiny: MPENet, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same network as weights."""
    path = tmp_path_factory.mktemp("weights") / "tiny.safetensors"
    weights.save(path, tiny.state_dict(), preset("tiny"))
    return path
