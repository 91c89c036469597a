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
from mpe_lib.files import atomic, parse_json
from mpe_lib.nets import System, build_model
from mpe_lib.nets.fit import misfit, not_finite

SHIPPED = Path(__file__).parent  #: in compared/ those of other systems


def load(weights: str | Path = "small") -> System:
    """A network ready to run: on the CPU, in eval mode, channels last, with its config in `.config`.

    Args:
        weights: the name of shipped weights, a safetensors file, or the folder of a run (its best).

    Raises:
        UserError: no such name or file; damaged, a pickle, or of another architecture.
    """
    config, tensors = _read(find(weights))
    net = build_model(config.net)
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
        if not os.path.isfile(path):
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
    """The config of a file, and its tensors, which are those of such a network."""
    try:
        with safe_open(path, framework="pt") as file:
            config = _config(path, file.metadata() or {})
            shapes = {name: file.get_slice(name).get_shape() for name in file.keys()}  # noqa: SIM118 (not a mapping)
            problem = misfit(lambda: build_model(config.net), shapes)
            if problem:
                raise UserError(f"{path}: {problem}", _OTHER)
            tensors = {name: file.get_tensor(name) for name in shapes}
    except (SafetensorError, OSError) as error:
        raise UserError(
            f"{path}: damaged, or no safetensors file ({error})", "pickled weights are refused; copy the file again"
        ) from error
    problem = not_finite(tensors)
    if problem:
        raise UserError(f"{path}: {problem}", "train again or name other weights")
    return config, tensors


def _config(path: Path, metadata: Mapping[str, str]) -> Config:
    try:
        return Config.from_dict(parse_json(metadata["config"]))
    except (KeyError, ValueError, AttributeError) as error:  # none, no JSON, no table
        raise UserError(f"{path}: holds no config of a network ({error})", _OTHER) from error
