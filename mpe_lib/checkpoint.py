"""A run's folder: its config, its log, and what it takes to go on after an interruption."""

import json
import shutil
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors.torch import load_file
from torch.optim import Optimizer
from torch.optim.swa_utils import AveragedModel

from mpe_lib import weights
from mpe_lib.config import Config
from mpe_lib.errors import UserError
from mpe_lib.files import atomic, writing
from mpe_lib.nets import MPENet


class Position(NamedTuple):
    """Where a training stands."""

    update: int = 0  # updates done
    best_psnr: float = float("-inf")
    best_update: int = 0


class Run:
    """The folder of one training; only the main process writes to it."""

    def __init__(self, folder: Path) -> None:
        self.folder = Path(folder)
        self.last = self.folder / "last"

    def begin(self, config: Config) -> None:
        """Make the folder and write the config.

        Raises:
            UserError: the folder holds a run already, or can't be written.
        """
        path = self.folder / "config.json"
        if path.exists():
            raise UserError(f"{self.folder}: holds a run already", "--resume it, or choose another folder")
        with writing(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
        _write_json(path, config.to_dict())

    def resume(self, config: Config, net: MPENet, average: AveragedModel, optimizer: Optimizer) -> Position:
        """Bring network, average and optimiser back to where last/ left them.

        Raises:
            UserError: nothing to resume, damaged, or the run was made with another config.
        """
        state = self.last / "state.pt"
        if not state.is_file():
            raise UserError(f"{self.folder}: no last/state.pt to resume from", "start without --resume")
        before, now = (c.to_dict() for c in (self.config(), config))
        for field in (f"{part}.{name}" for part in before for name in before[part]):
            part, name = field.split(".")
            if before[part][name] != now[part][name]:
                raise UserError(
                    f"{self.folder}: was trained with {field}={before[part][name]}, not {now[part][name]}",
                    "resume with the same config, or start another run",
                )
        try:
            stored = torch.load(state, weights_only=True)
            net.load_state_dict(load_file(self.last / "net.safetensors"))
            average.module.load_state_dict(load_file(self.last / "average.safetensors"))
            average.n_averaged.fill_(stored["averaged"])
            optimizer.load_state_dict(stored["optimizer"])
            return Position(**stored["position"])
        except Exception as error:  # whatever a damaged file makes its reader raise
            raise UserError(f"{self.last}: damaged ({error})", "start another run") from error

    def config(self) -> Config:
        """The config that the run was begun with.

        Raises:
            UserError: none, or not readable.
        """
        path = self.folder / "config.json"
        try:
            return Config.from_dict(json.loads(path.read_text()))
        except (OSError, json.JSONDecodeError) as error:
            raise UserError(f"{path}: no config to read ({error})", "name the folder of a run") from error

    def log(self, line: str) -> None:
        """Add a line to metrics.jsonl."""
        path = self.folder / "metrics.jsonl"
        with writing(path), path.open("a") as file:
            file.write(line + "\n")

    def save_best(self, net: torch.nn.Module, config: Config) -> None:
        """Keep this network as the best so far."""
        weights.save(self.folder / "best" / "net.safetensors", net.state_dict(), config)

    def save_last(
        self, net: MPENet, average: AveragedModel, optimizer: Optimizer, position: Position, config: Config
    ) -> None:
        """Write last/ beside the old one, then put it in its place."""
        new, old = self.folder / "last.new", self.folder / "last.old"
        for folder in (new, old):
            shutil.rmtree(folder, ignore_errors=True)
        weights.save(new / "net.safetensors", net.state_dict(), config)
        weights.save(new / "average.safetensors", average.module.state_dict(), config)
        state = {
            "optimizer": optimizer.state_dict(),
            "averaged": int(average.n_averaged),
            "position": position._asdict(),
        }
        serialized = BytesIO()  # on a full disk torch would raise no OSError
        torch.save(state, serialized)
        with atomic(new / "state.pt") as temporary:
            temporary.write_bytes(serialized.getbuffer())
        with writing(self.last):
            if self.last.exists():
                self.last.rename(old)
            new.rename(self.last)
        shutil.rmtree(old, ignore_errors=True)

    def finish(self, summary: Mapping[str, Any]) -> None:
        """Write summary.json."""
        _write_json(self.folder / "summary.json", summary)


def _write_json(path: Path, values: Mapping[str, Any]) -> None:
    with atomic(path) as temporary:
        temporary.write_text(json.dumps(values, indent=2) + "\n")
