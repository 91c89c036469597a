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

# what a resumed run may change, for it changes no update
FREE = {f"train.{name}" for name in ("workers", "log_every", "validate_every", "validate_faces", "save_every")}


class Position(NamedTuple):
    """Where a training stands."""

    update: int = 0  # updates done
    best_psnr: float = float("-inf")
    best_update: int = 0


class Run:
    """The folder of one training; only the main process writes to it."""

    def __init__(self, folder: Path) -> None:
        self.folder = Path(folder)
        self.last, self.old = self.folder / "last", self.folder / "last.old"

    def begin(self, config: Config) -> None:
        """Make the folder and write the config.

        Raises:
            UserError: the folder holds a run already, or can't be written.
        """
        if any((self.folder / name).exists() for name in ("last", "last.old", "best")):
            raise UserError(f"{self.folder}: holds a run already", "--resume it, or choose another folder")
        with writing(self.folder):  # what failed before it saved anything is begun anew
            self.folder.mkdir(parents=True, exist_ok=True)
            (self.folder / "metrics.jsonl").unlink(missing_ok=True)
        _write_json(self.folder / "config.json", config.to_dict())

    def resume(self, config: Config, faces: str, net: MPENet, average: AveragedModel, optimizer: Optimizer) -> Position:
        """Bring network, average and optimiser back to where last/ left them; `faces` is their fingerprint.

        Raises:
            UserError: nothing to resume, damaged, or the run was made with another config or other faces.
        """
        last = self.last if self.last.exists() else self.old  # `save_last` was killed between its two renames
        if not (last / "state.pt").is_file():
            raise UserError(
                f"{self.folder}: no last/state.pt to resume from", "start without --resume, in an empty folder"
            )
        before, now = (c.to_dict() for c in (self.config(), config))
        for field in (f"{part}.{name}" for part in before for name in before[part]):
            part, name = field.split(".")
            if before[part][name] != now[part][name] and field not in FREE:
                raise UserError(
                    f"{self.folder}: was trained with {field}={before[part][name]}, not {now[part][name]}",
                    "resume with the same config, or start another run",
                )
        try:
            stored = torch.load(last / "state.pt", weights_only=True, map_location="cpu")
            if stored["faces"] != faces:
                raise UserError(f"{self.folder}: was trained on other faces", "resume with the same --faces")
            net.load_state_dict(load_file(last / "net.safetensors"))
            average.module.load_state_dict(load_file(last / "average.safetensors"))
            average.n_averaged.fill_(stored["averaged"])
            optimizer.load_state_dict(stored["optimizer"])
            return Position(**stored["position"])
        except UserError:
            raise
        except Exception as error:  # whatever a damaged file makes its reader raise
            raise UserError(f"{last}: damaged ({error})", "start another run") from error

    def config(self) -> Config:
        """The config that the run was begun with.

        Raises:
            UserError: none, or not readable.
        """
        path = self.folder / "config.json"
        try:
            return Config.from_dict(json.loads(path.read_text()))
        except (OSError, ValueError, AttributeError) as error:  # no file, no JSON, no table, an unknown field
            raise UserError(f"{path}: no config to read ({error})", "name the folder of a run") from error

    def log(self, line: str) -> None:
        """Add a line to metrics.jsonl."""
        path = self.folder / "metrics.jsonl"
        with writing(path), path.open("a") as file:
            file.write(line + "\n")

    def rewind(self, update: int) -> None:
        """Drop the lines of metrics.jsonl after `update`: they were logged after the last save, and will be again."""
        path = self.folder / "metrics.jsonl"
        lines = path.read_text().splitlines() if path.is_file() else []
        kept = [line for line in lines if line.endswith("}") and json.loads(line)["update"] <= update]
        with atomic(path) as temporary:
            temporary.write_text("".join(f"{line}\n" for line in kept))

    def save_best(self, net: torch.nn.Module, config: Config) -> None:
        """Keep this network as the best so far."""
        weights.save(self.folder / "best" / "net.safetensors", net.state_dict(), config)

    def save_last(
        self,
        net: MPENet,
        average: AveragedModel,
        optimizer: Optimizer,
        position: Position,
        config: Config,
        faces: str,
    ) -> None:
        """Write last/ beside the old one, then put it in its place; a whole one is there at any time."""
        new = self.folder / "last.new"
        shutil.rmtree(new, ignore_errors=True)
        weights.save(new / "net.safetensors", net.state_dict(), config)
        weights.save(new / "average.safetensors", average.module.state_dict(), config)
        state = {
            "optimizer": optimizer.state_dict(),
            "averaged": int(average.n_averaged),
            "position": position._asdict(),
            "faces": faces,
        }
        serialized = BytesIO()  # on a full disk torch would raise no OSError
        torch.save(state, serialized)
        with atomic(new / "state.pt") as temporary:
            temporary.write_bytes(serialized.getbuffer())
        with writing(self.last):
            if self.last.exists():
                shutil.rmtree(self.old, ignore_errors=True)
                self.last.rename(self.old)
            new.rename(self.last)
        shutil.rmtree(self.old, ignore_errors=True)

    def finish(self, summary: Mapping[str, Any]) -> None:
        """Write summary.json."""
        _write_json(self.folder / "summary.json", summary)


def _write_json(path: Path, values: Mapping[str, Any]) -> None:
    with atomic(path) as temporary:
        temporary.write_text(json.dumps(values, indent=2) + "\n")
