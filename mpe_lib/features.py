"""What the perceptual loss compares faces by (Eq. 10): features that their user gets, or those trained here."""

import hashlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pooch
import torch
from requests.exceptions import RequestException
from safetensors.torch import load_file
from torch import nn

from mpe_lib.download import cache, check_address, downloader, failure
from mpe_lib.errors import UserError
from mpe_lib.files import check_ordinary, writing
from mpe_lib.nets import VGGFace
from mpe_lib.nets.compared.lightcnn import LightCNN

OWN = Path(__file__).parent / "weights" / "features" / "own.safetensors"  #: weights that come with the library
OWN_WIDTH = 0.25  #: of VGG-Face's
SUM = "#sha256="  #: behind an address, as pip has it


class Public(NamedTuple):
    """Features that mpe_lib does not hold, as a public file has them."""

    title: str
    file: str  # its usual name
    home: str  # where it is
    build: Callable[[], nn.Module]  # a network of this shape
    key: Callable[[str], str]  # the file's name of a tensor, from the network's


def _lightcnn_key(name: str) -> str:
    """Each pair of convs is one layer there: features.2, features.3 of ours are features.2.conv_a, features.2.conv."""
    number, _, kind = name.split(".")
    layers = ("0", "2.conv_a", "2.conv", "4.conv_a", "4.conv", "6.conv_a", "6.conv", "7.conv_a", "7.conv")
    ours = ("0", "2", "3", "5", "6", "8", "9", "10", "11")  # poolings are 1, 4 and 7
    return f"features.{layers[ours.index(number)]}.filter.{kind}"


#: Weights of others, by name.
PUBLIC = {
    "vggface": Public(
        "VGG-Face",
        "vgg_face_dag.pth",
        "https://www.robots.ox.ac.uk/~albanie/pytorch-models.html",
        VGGFace,
        lambda name: name,
    ),
    "lightcnn": Public(
        "LightCNN-9",
        "LightCNN_feature.pth",
        "https://github.com/Maclory/Deep-Iterative-Collaboration",
        lambda: LightCNN().features,
        _lightcnn_key,
    ),
}


def find_features(
    kind: str, source: str | None = None, report: Callable[[int, int], None] = lambda done, total: None
) -> nn.Module:
    """The features that a config's `train.features` names, in eval mode.

    Args:
        kind: "vggface", "lightcnn", or "own" for those that come with mpe_lib; weights trained with these say so in
            their name.
        source: file or address of the first two; an address ends in #sha256= and the sum of its file, which is
            downloaded once, into the user's cache.
        report: told the bytes done and all bytes of a download.

    Raises:
        UserError: features that are asked for and not given, can't be had, or are something else.
    """
    if kind == "own":
        return own_features()
    public = PUBLIC[kind]
    if source is None:
        raise UserError(
            f"the perceptual loss compares faces by {public.title}, which mpe_lib does not hold",
            f"get {public.file} from {public.home} and give --{kind} FILE, or take ours: --set train.features=own",
        )
    return read_features(public, _download(kind, source, report) if "://" in source else Path(source))


def own_features() -> VGGFace:
    """VGG-16's convolutions at a quarter of their width, trained to tell faces apart (tools/face_features.py)."""
    features = VGGFace(OWN_WIDTH)
    features.load_state_dict(load_file(OWN))
    return features.eval()


def read_features(public: Public, path: Path) -> nn.Module:
    """Features from their public file, a state dict with the tensors of `public.build()` and some not used here.

    Of VGG-Face another conversion is in circulation, which wants BGR; it has other names, and is refused.

    Raises:
        UserError: no such file, no state dict, or tensors missing or of other shapes.
    """
    remedy = f"give {public.file} from {public.home}"
    try:
        check_ordinary(path)
        stored: Any = torch.load(path, weights_only=True, map_location="cpu")
    except FileNotFoundError as error:
        raise UserError(f"{path} does not exist", "check the name") from error
    except Exception as error:  # whatever a file of another program makes its reader raise
        raise UserError(f"{path}: no state dict ({str(error).partition(chr(10))[0]})", remedy) from error
    features, chosen = public.build(), {}
    for name, tensor in features.state_dict().items():
        key = public.key(name)
        found = stored.get(key) if isinstance(stored, dict) else None
        shape = list(found.shape) if isinstance(found, torch.Tensor) else "missing"
        if shape != list(tensor.shape):
            raise UserError(f"{path}: {key} is {shape}, not {list(tensor.shape)}", remedy)
        chosen[name] = found
    features.load_state_dict(chosen)
    return features.eval()


def _download(kind: str, source: str, report: Callable[[int, int], None]) -> Path:
    """The file of an address and its sum, from the user's cache if it is there."""
    url, _, digest = source.partition(SUM)
    check_address(url)
    if digest and not re.fullmatch("[0-9a-f]{64}", digest):
        raise UserError(f"{source}: '{digest}' is no SHA-256", "write its 64 digits, 0 to 9 and a to f")
    name = f"{kind}-{hashlib.sha256(url.encode()).hexdigest()[:16]}.pth"
    folder, http = cache(), downloader(progressbar=_Reported(report))
    with writing(folder):
        try:
            path = Path(pooch.retrieve(url, digest or None, name, folder, downloader=http))
        except (RequestException, ValueError) as error:  # the first is an OSError, but no failure to write
            remedy = "check the network and the address"
            raise UserError(f"{url} cannot be downloaded: {failure(error, url)}", remedy) from error
    if not digest:
        remedy = f"if this is the file that you want, give its sum too: {url}{SUM}{pooch.file_hash(str(path))}"
        raise UserError(f"{url} is downloaded, and not used before you say what it must be", remedy)
    return path


class _Reported:
    """A progress bar as pooch wants it."""

    def __init__(self, report: Callable[[int, int], None]) -> None:
        self._report, self._done, self.total = report, 0, 0

    def update(self, size: int) -> None:
        self._done += size
        self._report(self._done, self.total)

    def reset(self) -> None:
        """Told before the last update, which says all again."""
        self._done = 0

    def close(self) -> None:
        pass
