"""Weights as safetensors with their config inside: the shipped ones, a run's, or a file's. Nothing is unpickled."""

import json
import os
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as serialize
from torch import Tensor

from mpe_lib.config import Config, near
from mpe_lib.errors import UserError
from mpe_lib.files import atomic
from mpe_lib.nets import System, build_model

SHIPPED = Path(__file__).parent  #: in compared/ those of other systems


def load(weights: str | Path = "small") -> System:
    """A network ready to run: on the CPU, in eval mode, channels last, with its config in `.config`.

    Args:
        weights: the name of shipped weights, a safetensors file, or the folder of a run (its best).

    Raises:
        UserError: no such name or file; damaged, a pickle, or of another architecture.
    """
    path = find(weights)
    config, tensors = _read(path)
    net = build_model(config.net)
    missing = net.state_dict().keys() ^ tensors.keys()
    if missing:
        raise UserError(f"{path}: tensors do not fit its config, first '{min(missing)}'", _OTHER)
    for name, tensor in net.state_dict().items():
        if tensors[name].shape != tensor.shape:
            raise UserError(f"{path}: '{name}' is {list(tensors[name].shape)}, not {list(tensor.shape)}", _OTHER)
    net.load_state_dict(tensors)  # copies half precision into single
    return net.eval().to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]


_OTHER = "it was written for another architecture: train again or name other weights"


def shipped() -> dict[str, Path]:
    """Where the weights are that come with mpe_lib, by name."""
    return {file.stem: file for where in (".", "compared") for file in sorted((SHIPPED / where).glob("*.safetensors"))}


def find(weights: str | Path) -> Path:
    """The safetensors file that a name, file or run folder stands for.

    Raises:
        UserError: there is none.
    """
    known = shipped()
    if str(weights) in known:  # also where a folder has that name: write ./small for it
        return known[str(weights)]
    path = Path(weights)
    if os.path.isdir(path):
        path = path / "best" / "net.safetensors"
        if not path.is_file():
            raise UserError(f"{weights}: no best/net.safetensors in this folder", "name a run that has validated")
    if os.path.isfile(path):  # unlike Path's, false of a name that is too long
        return path
    raise UserError(f"weights '{weights}' not found", f"{near(str(weights), known)}, or the path of a file or run")


def save(path: Path, tensors: Mapping[str, Tensor], config: Config, *, half: bool = False) -> None:
    """Write a network's state dict with its config, whole or not at all.

    Args:
        half: in fp16, batch-norm statistics apart, as weights are shipped.
    """
    kept = {
        name: (tensor.half() if half and tensor.is_floating_point() and "running" not in name else tensor)
        .detach()
        .cpu()
        .contiguous()
        for name, tensor in tensors.items()
    }
    with atomic(path) as temporary:
        temporary.write_bytes(serialize(kept, metadata={"config": json.dumps(config.to_dict())}))


def _read(path: Path) -> tuple[Config, dict[str, Tensor]]:
    """The config and tensors of a file."""
    try:
        with safe_open(path, framework="pt") as file:
            metadata: dict[str, str] = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a mapping)
    except (SafetensorError, OSError) as error:
        raise UserError(
            f"{path}: damaged, or no safetensors file ({error})", "pickled weights are refused; copy the file again"
        ) from error
    try:
        return Config.from_dict(json.loads(metadata["config"])), tensors
    except (KeyError, ValueError, AttributeError) as error:  # none, no JSON, no table
        raise UserError(f"{path}: holds no config of a network ({error})", _OTHER) from error
