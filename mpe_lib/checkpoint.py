"""A run's folder: its config, its log, and what it takes to go on after an interruption."""

import hashlib
import math
import os
import shutil
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors.torch import load_file
from torch import nn

from mpe_lib import weights
from mpe_lib.config import Config
from mpe_lib.errors import UserError
from mpe_lib.files import atomic, check_ordinary, parse_json, read_json, refuse_links, settle, write_json, writing
from mpe_lib.learner import Learner

STATE, SUMS = "state.pt", "sha256.json"  #: files of a checkpoint: all but the weights, and the sums of the others
#: what a resumed run may change, for it changes no update
FREE = {f"train.{name}" for name in ("workers", "log_every", "validate_every", "validate_faces", "save_every")}


class Position(NamedTuple):
    """Where a training stands."""

    update: int = 0  # updates done
    best_psnr: float = float("-inf")
    best_update: int = 0
    skipped: int = 0  # updates that nothing was learnt from
    damaged: tuple[str, ...] = ()  # faces that can't be read, why


class Run:
    """The folder of one training; only the main process writes to it."""

    def __init__(self, folder: Path) -> None:
        self.folder = Path(folder)
        self.last, self.previous = self.folder / "last", self.folder / "previous"

    def begin(self, config: Config) -> None:
        """Make the folder and write the config.

        Raises:
            UserError: the folder holds a run already, or can't be written.
        """
        if any(os.path.exists(self.folder / name) for name in ("last", "previous", "summary.json")):
            raise UserError(f"{self.folder}: holds a run already", "--resume it, or choose another folder")
        with writing(self.folder):  # what failed before its first checkpoint is begun anew
            self.folder.mkdir(parents=True, exist_ok=True)
            (self.folder / "metrics.jsonl").unlink(missing_ok=True)
        refuse_links(self._written())
        write_json(self.folder / "config.json", config.to_dict())
        with writing(self.folder):
            settle(self.folder)

    def _written(self) -> Iterator[Path]:
        """What is written in the folder by this class, and not by a tracker."""
        for name in ("config.json", "metrics.jsonl", "summary.json", "best", "last", "previous"):
            yield self.folder / name
            yield from (self.folder / name).glob("*")

    def resume(self, config: Config, faces: str, learner: Learner) -> Position:
        """Bring the learner back to where last/ left it, or previous/ if last/ is damaged.

        `faces` is the fingerprint of those that it is to go on with.

        Raises:
            UserError: nothing to resume, all of it damaged, or the run was made with another config or other faces.
        """
        kept = self.checkpoints()
        refuse_links(self._written())
        self._same_config(config)
        whole = [folder for folder in kept if _whole(folder)]
        if not whole:
            names = " and ".join(f"{folder.name}/" for folder in kept)
            raise UserError(f"{self.folder}: {names} {'are' if kept[1:] else 'is'} damaged", "start another run")
        with _readable(whole[0]):
            return _load(whole[0], faces, learner)

    def checkpoints(self) -> list[Path]:
        """The newest first.

        Raises:
            UserError: there is none.
        """
        kept = [folder for folder in (self.last, self.previous) if os.path.isdir(folder)]
        if not kept:
            raise UserError(f"{self.folder}: no last/ to resume from", "start without --resume")
        return kept

    def damaged(self) -> bool:
        """Whether last/ can't be gone on from."""
        return os.path.isdir(self.last) and not _whole(self.last)

    def finished(self, config: Config, faces: str) -> bool:
        """Whether the run has come to its end, with this config and faces of this fingerprint.

        Raises:
            UserError: it has, but with another config or on other faces.
        """
        if not os.path.isfile(self.folder / "summary.json"):
            return False
        self._same_config(config)
        with _readable(self.last):
            if _state(self.last)["faces"] != faces:
                raise UserError(f"{self.folder}: was trained on other faces", "choose another folder")
        return True

    def summary(self) -> dict[str, Any]:
        """How the training ended.

        Raises:
            UserError: it has not, or nothing that can be read says how.
        """
        path = self.folder / "summary.json"
        try:
            said: Any = read_json(path)
            _ = math.floor(said["seconds"])
            return said
        except (OSError, ValueError, LookupError, TypeError, OverflowError) as error:
            raise UserError(f"{path}: no summary to read ({error})", "name the folder of a run that is done") from error

    def _same_config(self, config: Config) -> None:
        """Raises UserError: the run was begun with another one."""
        before, now = (c.to_dict() for c in (self.config(), config))
        for field in (f"{part}.{name}" for part in before for name in before[part]):
            part, name = field.split(".")
            if before[part][name] != now[part][name] and field not in FREE:
                raise UserError(
                    f"{self.folder}: was trained with {field}={before[part][name]}, not {now[part][name]}",
                    "resume with the same config, or start another run",
                )

    def config(self) -> Config:
        """The config that the run was begun with.

        Raises:
            UserError: none, or not readable.
        """
        path = self.folder / "config.json"
        try:
            return Config.from_dict(read_json(path))
        except (OSError, ValueError, AttributeError) as error:  # no file, no JSON, no table, an unknown field
            raise UserError(f"{path}: no config to read ({error})", "name the folder of a run") from error

    def log(self, line: str) -> None:
        """Add a line to metrics.jsonl."""
        path = self.folder / "metrics.jsonl"
        with writing(path), path.open("a") as file:
            file.write(line + "\n")

    def rewind(self, update: int) -> None:
        """Drop what lies after `update`: lines logged since, which will be logged again, and a damaged last/."""
        path = self.folder / "metrics.jsonl"
        lines = path.read_text(errors="replace").splitlines() if path.is_file() else []
        kept = [line for line in lines if _logged(line) <= update]
        with atomic(path) as temporary:
            temporary.write_text("".join(f"{line}\n" for line in kept))
        if self.damaged():
            with writing(self.last):
                shutil.rmtree(self.last)

    def save_best(self, net: torch.nn.Module, config: Config) -> None:
        """Keep this network as the best so far."""
        weights.save(self.folder / "best" / "net.safetensors", net.state_dict(), config)

    def save_last(self, learner: Learner, position: Position, config: Config, faces: str) -> None:
        """Write a new last/; the one before becomes previous/. Killed, or cut off from power, one of them is whole."""
        new = self.folder / "last.new"
        shutil.rmtree(new, ignore_errors=True)
        try:
            _store(new, learner, position, config, faces)
        except UserError:  # the disk is full: what is there already need not stay
            shutil.rmtree(new, ignore_errors=True)
            raise
        with writing(self.last):
            settle(new)  # before it takes the place of one that is
            if self.last.exists():
                shutil.rmtree(self.previous, ignore_errors=True)
                self.last.rename(self.previous)
            new.rename(self.last)
            settle(self.folder)

    def finish(self, summary: Mapping[str, Any]) -> None:
        """Write summary.json, unless it is there: a finished run stays as it is."""
        path = self.folder / "summary.json"
        if not path.is_file():
            write_json(path, summary)


def _store(folder: Path, learner: Learner, position: Position, config: Config, faces: str) -> None:
    """Write a checkpoint."""
    for name, network in _networks(learner).items():
        weights.save(folder / f"{name}.safetensors", network.state_dict(), config)
    state = {
        "optimizers": {name: optimizer.state_dict() for name, optimizer in learner.optimizers.items()},
        "averaged": learner.average.count,
        "position": position._asdict(),
        "faces": faces,
    }
    serialized = BytesIO()  # on a full disk torch would raise no OSError
    torch.save(state, serialized)
    with atomic(folder / STATE) as temporary:
        temporary.write_bytes(serialized.getbuffer())
    write_json(folder / SUMS, _sums(folder))


def _load(folder: Path, faces: str, learner: Learner) -> Position:
    """Bring the learner to where a checkpoint stands."""
    stored = _state(folder)
    if stored["faces"] != faces:
        raise UserError(f"{folder.parent}: was trained on other faces", "resume with the same --faces")
    for name, network in _networks(learner).items():
        network.load_state_dict(load_file(folder / f"{name}.safetensors"))
    learner.average.count = int(stored["averaged"])
    for name, optimizer in learner.optimizers.items():
        groups = optimizer.state_dict()["param_groups"]  # ours, for a file may say anything
        optimizer.load_state_dict({"state": stored["optimizers"][name]["state"], "param_groups": groups})
        for parameter, kept in optimizer.state.items():
            shapes = [kept[name].shape for name in ("exp_avg", "exp_avg_sq", "step")]
            if shapes != [parameter.shape, parameter.shape, torch.Size()]:
                raise ValueError("an optimiser of another network")
    position = Position(**stored["position"])
    if list(map(type, position)) != list(map(type, Position())) or position.update < 0:
        raise ValueError(f"no position: {position}")
    return position


def _state(folder: Path) -> Any:
    check_ordinary(folder / STATE)
    return torch.load(folder / STATE, weights_only=True, map_location="cpu")


@contextmanager
def _readable(folder: Path) -> Generator[None]:
    """Tell whatever reading a checkpoint raises as a UserError."""
    try:
        yield
    except UserError:
        raise
    except Exception as error:  # whatever a file of another program makes its reader raise
        raise UserError(f"{folder}: cannot be read ({error})", "start another run") from error


def _logged(line: str) -> float:
    """The update that a line of metrics.jsonl is of; infinity where it is none."""
    try:
        return float(parse_json(line)["update"])
    except (ValueError, LookupError, TypeError, OverflowError):  # cut off, or of something else
        return math.inf


def _networks(learner: Learner) -> dict[str, nn.Module]:
    """What is stored of a learner, by the names of the files."""
    return learner.networks() | {"average": learner.average.module}


def _sums(folder: Path) -> dict[str, str]:
    """The SHA-256 of each file."""
    files = [path for path in folder.iterdir() if path.name != SUMS]
    for path in files:
        check_ordinary(path)
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def _whole(folder: Path) -> bool:
    """Whether a checkpoint is as it was written."""
    try:
        return read_json(folder / SUMS) == _sums(folder)
    except (OSError, ValueError):  # missing, unreadable, no JSON
        return False
