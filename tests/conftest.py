"""What several tests share: one real face, in a photograph and in a face folder, and a small network."""

import shutil
import signal
import sys
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
from mpe_lib.openface import AUS

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


# Stands in for OpenFace's FaceLandmarkImg. A name tells what it does with a picture: crash, hang, no row, several
# faces; else AU12 if the name smiles. Of true pictures it sees AU12 in bright ones, and no face in plain ones.
STAND_IN = """#!{python}
import os, sys, time
from pathlib import Path
import numpy as np
from PIL import Image

arguments = sys.argv[1:]
pictures, out = Path(arguments[arguments.index("-fdir") + 1]), Path(arguments[arguments.index("-out_dir") + 1])
assert "-aus" in arguments
AUS = {aus}
HEADER = ["face", "confidence"] + [f"x_{{i}}" for i in range(68) if "-2Dfp" in arguments]
HEADER += [f"AU{{au:02}}_r" for au in AUS if au != 28] + [f"AU{{au:02}}_c" for au in AUS]


def row(face, width, units):
    values = [face, 0.95] + [width * i / 67 for i in range(68) if "-2Dfp" in arguments]
    return values + [2.0] * (len(AUS) - 1) + [f"{{float(au in units):.2f}}" for au in AUS]


for picture in sorted(pictures.iterdir()):
    name, out_name = picture.resolve().stem, picture.stem
    if "crash" in name:
        print("Segmentation fault", flush=True)
        os._exit(139)
    time.sleep(60 if "hang" in name else 0.4 if "slow" in name else 0)
    if "none" in name:
        continue
    smiles = "smile" in name
    if picture.read_bytes() != b"a picture":
        levels = np.asarray(Image.open(picture))
        if levels.std() < 5:
            continue
        smiles = levels.mean() > 128
    rows = [row(0, 100, {{12}} if smiles else set())]
    if "two" in name:
        rows.append(row(1, 200, {{4}}))
    with open(out / f"{{out_name}}.csv", "w") as file:
        file.write(", ".join(HEADER) + "\\n")
        file.writelines(", ".join(map(str, each)) + "\\n" for each in rows)
"""


@pytest.fixture
def openface(tmp_path: Path) -> Path:
    path = tmp_path / "bin" / "FaceLandmarkImg"
    path.parent.mkdir()
    path.write_text(STAND_IN.format(python=sys.executable, aus=AUS))
    path.chmod(0o755)
    return path
