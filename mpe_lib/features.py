"""What the perceptual loss compares faces by (Eq. 10): VGG-Face, which its user gets, or features trained here."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pooch
import torch
from requests.exceptions import RequestException
from safetensors.torch import load_file

from mpe_lib.download import check_address, failure
from mpe_lib.errors import UserError
from mpe_lib.files import writing
from mpe_lib.nets import VGGFace

NAME = "vgg_face_dag.pth"
HOME = "https://www.robots.ox.ac.uk/~albanie/pytorch-models.html"
OWN = Path(__file__).parent / "weights" / "features" / "own.safetensors"
OWN_WIDTH = 0.25


def find_features(
    kind: str, vggface: str | None = None, report: Callable[[int, int], None] = lambda done, total: None
) -> VGGFace:
    """The features that a config's `train.features` names, in eval mode.

    Args:
        kind: "vggface", or "own" for those that come with mpe_lib; weights trained with these say so in their name.
        vggface: file or address of the public PyTorch conversion of VGG-Face, vgg_face_dag.pth; an address is
            downloaded once, into the user's cache.
        report: told the bytes done and all bytes of a download.

    Raises:
        UserError: VGG-Face is asked for and not given, can't be had, or is something else.
    """
    if kind == "own":
        return own_features()
    if vggface is None:
        raise UserError(
            "the perceptual loss compares faces by VGG-Face, which mpe_lib does not hold",
            f"get {NAME} from {HOME} and give --vggface FILE, or take ours: --set train.features=own",
        )
    return read_vggface(_download(vggface, report) if "://" in vggface else Path(vggface))


def own_features() -> VGGFace:
    """VGG-16's convolutions at a quarter of their width, trained to tell faces apart (tools/face_features.py)."""
    features = VGGFace(OWN_WIDTH)
    features.load_state_dict(load_file(OWN))
    return features.eval()


def read_vggface(path: Path) -> VGGFace:
    """VGG-Face from the public PyTorch conversion, a state dict of conv1_1.weight, ... and of layers not used here.

    It wants RGB; another conversion in circulation wants BGR, under other names, and is refused.

    Raises:
        UserError: no such file, no state dict, or tensors missing or of other shapes.
    """
    try:
        stored: Any = torch.load(path, weights_only=True, map_location="cpu")
    except FileNotFoundError as error:
        raise UserError(f"{path} does not exist", "check the name") from error
    except Exception as error:  # whatever a file of another program makes its reader raise
        raise UserError(
            f"{path}: no state dict ({str(error).partition(chr(10))[0]})", f"give {NAME} from {HOME}"
        ) from error
    features = VGGFace()
    for name, tensor in features.state_dict().items():
        found = stored.get(name) if isinstance(stored, dict) else None
        shape = list(found.shape) if isinstance(found, torch.Tensor) else "missing"
        if shape != list(tensor.shape):
            raise UserError(f"{path}: {name} is {shape}, not {list(tensor.shape)}", f"give {NAME} from {HOME}")
    features.load_state_dict({name: stored[name] for name in features.state_dict()})
    return features.eval()


def _download(url: str, report: Callable[[int, int], None]) -> Path:
    """The file of an address, from the user's cache if it is there."""
    check_address(url)
    pooch.get_logger().setLevel("WARNING")
    name = f"vggface-{hashlib.sha256(url.encode()).hexdigest()[:16]}.pth"
    cache = pooch.os_cache("mpe")
    bar: Any = _Reported(report)
    http: Any = pooch.HTTPDownloader(progressbar=bar)
    with writing(cache):
        try:
            return Path(pooch.retrieve(url, known_hash=None, fname=name, path=cache, downloader=http))
        except RequestException as error:
            raise UserError(f"{url} cannot be downloaded: {failure(error, url)}", "check the network") from error


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
