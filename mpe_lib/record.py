"""What a training leaves while it runs: its log, its best network, and checkpoints."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import torch
from accelerate import Accelerator
from accelerate.utils import broadcast, gather_object

from mpe_lib.checkpoint import Position, Run
from mpe_lib.config import Config
from mpe_lib.faces.crops import check_damaged
from mpe_lib.faces.facset import Faces
from mpe_lib.files import finite
from mpe_lib.learner import Learner, Shares, Step
from mpe_lib.losses import LossTerms
from mpe_lib.validation import validate

PATIENCE = 5  #: updates in a row that nothing is learnt from, before a training gives up


class Progress(NamedTuple):
    """What `train` reports after an update."""

    update: int  # updates done
    updates: int  # updates in all
    terms: LossTerms  # of this update
    faces_per_second: float
    seconds_left: float
    psnr: list[float] | None  # dB of every step on the validation faces, where this update validated
    shares: Shares | None  # of the loss terms in the gradient of each branch, where it was measured
    skipped: int  # updates so far that nothing was learnt from
    damaged: tuple[str, ...]  # faces so far that can't be read, why, as they were met; others stood for them


class Summary(NamedTuple):
    """How a training ended."""

    update: int
    finished: bool  # false: interrupted, to be resumed
    best_psnr: float | None  # dB on Y, border 0, of the last step on the validation faces, of the network that is kept
    best_update: int
    skipped: int  # updates that nothing was learnt from
    damaged: int  # faces that can't be read, for which others stood
    seconds: float  # of this process


class Record:
    """Where a training stands, and what it writes: the main process alone does."""

    def __init__(
        self, config: Config, accelerator: Accelerator, learner: Learner, validation: Faces, run: Run, faces: Faces
    ) -> None:
        self._config, self._accelerator, self._learner = config, accelerator, learner
        self._validation, self._run, self._faces = validation, run, faces.fingerprint()
        self._count = len(faces)
        self.position = Position()
        self._in_a_row = 0  # updates that nothing was learnt from

    @property
    def fails(self) -> bool:
        """Whether the training is to give up."""
        return self._in_a_row == PATIENCE

    def begin(self, resume: bool) -> None:
        """Begin the run, or find out where it stands."""
        if resume:
            self.position = self._run.resume(self._config, self._faces, self._learner)
        self._accelerator.wait_for_everyone()  # all have read before one writes
        if self._accelerator.is_main_process and resume:
            self._run.rewind(self.position.update)
        elif self._accelerator.is_main_process:
            self._run.begin(self._config)
        self._accelerator.init_trackers("mpe", dict(_flat(self._config.to_dict())))

    def count(self, step: Step, damaged: Iterable[str]) -> None:
        """Take note of an update, and of why some of its faces can't be read, in lines.

        Raises:
            UserError: see `check_damaged`.
        """
        self._in_a_row = self._in_a_row + 1 if step.problem else 0
        now, skipped = self.position.update + 1, self.position.skipped + (step.problem is not None)
        self.position = self.position._replace(update=now, skipped=skipped)
        self._note(line for lines in damaged for line in lines.splitlines())

    def _note(self, damaged: Iterable[str]) -> None:
        """Each once."""
        known = tuple(dict.fromkeys([*self.position.damaged, *damaged]))
        check_damaged(known, self._count)
        self.position = self.position._replace(damaged=known)

    def validate(self) -> list[float] | None:
        """The averaged network's PSNR by step, None without faces to validate on.

        The best network is kept; the last one where PSNR does not tell, of MPEGAN and without faces.
        """
        average = self._learner.average
        broadcast(list(average.module.buffers()))  # batch norm's statistics were each process's own
        t = self._config.train
        steps = None
        if len(self._validation) and self._config.net.iterations:  # the judge makes no pictures
            steps = validate(average.module, self._validation, t.validate_faces, self._accelerator)
        found = self.position.best_psnr if steps is None else steps[-1]
        if steps is None or found > self.position.best_psnr or t.lambda_per or t.lambda_adv:
            self.position = self.position._replace(best_psnr=found, best_update=self.position.update)
            if self._accelerator.is_main_process:
                self._run.save_best(average.module, self._config)
        return steps

    def log(self, progress: Progress) -> Progress:
        """A line of metrics.jsonl, and of the tracker; terms and damaged faces become those of all processes."""
        self._note(gather_object([*self.position.damaged]))
        known = progress.terms.known()
        means: Any = self._accelerator.reduce(torch.stack(list(known.values())), "mean")
        terms = progress.terms._replace(**dict(zip(known, means, strict=True)))
        progress = progress._replace(terms=terms, damaged=self.position.damaged)
        lr = self._learner.optimizers["net"].param_groups[0]["lr"]
        line: dict[str, Any] = {"update": progress.update, "lr": lr, "faces_per_second": progress.faces_per_second}
        line |= {f"loss_{name}": finite(mean) for name, mean in zip(known, means.tolist(), strict=True)}
        line |= {"psnr": progress.psnr} if progress.psnr else {}
        line |= {"gradient_shares": progress.shares} if progress.shares else {}
        line |= {"skipped": progress.skipped} if progress.skipped else {}
        line |= {"damaged": len(progress.damaged)} if progress.damaged else {}
        if self._accelerator.is_main_process:
            self._run.log(json.dumps(line))
        self._accelerator.log(dict(_flat(line)), step=progress.update)
        return progress

    def save(self) -> None:
        """A checkpoint."""
        if self._accelerator.is_main_process:
            self._run.save_last(self._learner, self.position, self._config, self._faces)

    def end(self, seconds: float) -> Summary:
        """The summary, written if the training is finished."""
        place = self.position
        finished = place.update == self._config.train.updates
        best = finite(place.best_psnr)
        damaged = len(place.damaged)
        summary = Summary(place.update, finished, best, place.best_update, place.skipped, damaged, seconds)
        if self._accelerator.is_main_process and finished:
            self._run.finish(summary._asdict())
        for tracker in self._accelerator.trackers:
            tracker.finish()
        self._accelerator.wait_for_everyone()  # a launcher ends all processes with the first
        return summary


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Nested tables and lists as one table of plain values, named as in a/b; of a list, step 1, 2, ..."""
    for name, value in values.items():
        if isinstance(value, list):
            value = {str(number): each for number, each in enumerate(value, 1)}
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}/")
        elif value is not None:
            yield prefix + name, value
