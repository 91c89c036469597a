"""The training loop: one for a CPU, a GPU or several, interrupted and resumed without a trace."""

import signal
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, nullcontext
from importlib.util import find_spec
from pathlib import Path
from traceback import clear_frames

import torch
from accelerate import Accelerator
from accelerate.utils import DataLoaderConfiguration
from torch import nn
from torch.utils.data import DataLoader

from mpe_lib.checkpoint import Run
from mpe_lib.config import Config, near
from mpe_lib.errors import UserError
from mpe_lib.faces.crops import RandomCrops, Shuffled, Tolerant
from mpe_lib.faces.facset import Faces
from mpe_lib.files import alone
from mpe_lib.learner import Learner
from mpe_lib.losses import au_weights
from mpe_lib.machine import cores
from mpe_lib.memory import enough_memory, keep_freed_memory
from mpe_lib.nets import System
from mpe_lib.record import PATIENCE, Progress, Record, Summary

TRACKERS = ("tensorboard", "wandb")  #: programs that can follow a training
WORKERS = 8  #: data-loading processes beside a GPU, at most


def train(
    config: Config,
    faces: Faces,
    validation: Faces,
    out: Path,
    *,
    resume: bool = False,
    start: System | None = None,
    features: nn.Module | None = None,
    tracker: str | None = None,
    report: Callable[[Progress], None] = lambda _: None,
) -> Summary:
    """Train a network, a GAN where `lambda_adv` or `lambda_per` are above 0, and leave it in the folder `out`.

    `out` receives config.json, metrics.jsonl, last/ and previous/ (to resume), best/ (by validation PSNR; the last
    of MPEGAN, which does not aim at PSNR, or without validation faces) and, at the end, summary.json. Ctrl-C ends
    the training after the update under way; `resume` goes on from last/ with the same data in the same order. An
    update whose loss or gradient is not finite is skipped; the next face stands for one that can't be read.

    Args:
        config, faces, out, resume: as above.
        validation: faces to measure it on as it learns; there may be none.
        start: a network to begin with, instead of a new one.
        features: for `lambda_per`, see `mpe_lib.features`.
        tracker: where else to log to, "tensorboard" or "wandb".
        report: told of every update.

    Raises:
        UserError: `out` holds a run already and `resume` is false, or holds none and it is true; or its config or
            its faces are others; another process trains there; the loss was not finite for several updates in a row;
            more than a tenth of the faces, or one to validate on, can't be read; no such tracker.
    """
    t = config.train
    if not t.recompute:  # which is for those who have little of it
        keep_freed_memory()
    accelerator = _accelerator(config, out, tracker)
    if t.lambda_per and features is None:
        raise UserError(f"train.lambda_per={t.lambda_per} needs features to compare", "see mpe_lib.features")
    if resume:
        Run(out).checkpoints()  # without one there is no folder either, and none is to be made
    with enough_memory(config):
        learner = Learner(config, au_weights(faces.rates()), accelerator, features if t.lambda_per else None, start)
        record = Record(config, accelerator, learner, validation, Run(out), faces)
        with alone(out) if accelerator.is_main_process else nullcontext():
            record.begin(resume)
            return _updates(config, faces, learner, record, accelerator, out, report)


def _updates(
    config: Config,
    faces: Faces,
    learner: Learner,
    record: Record,
    accelerator: Accelerator,
    out: Path,
    report: Callable[[Progress], None],
) -> Summary:
    """Every update from where the record stands."""
    t = config.train
    first = record.position.update
    batches = Shuffled(faces.frequency, t.batch, first, t.updates, t.seed)
    crops = Tolerant(RandomCrops(faces, t.scale_jitter, t.seed))
    on_gpu = accelerator.device.type == "cuda"
    workers = t.workers or (min(WORKERS, cores() - 1) if on_gpu else 0)
    loader = accelerator.prepare(DataLoader(crops, batch_sampler=batches, num_workers=workers, pin_memory=on_gpu))
    begun = time.perf_counter()

    with _plain_errors(), _interruption() as interrupted:
        for update, (batch, damaged) in enumerate(loader, first + 1):
            step = learner.update(batch, update, measure=update == 1 or update % t.validate_every == 0)
            record.count(step, damaged)
            last = update == t.updates or record.fails or _stopped(accelerator, interrupted, update, t.log_every)
            steps = None
            if (last or update % t.validate_every == 0) and not step.problem:
                steps = record.validate()
            speed = (update - first) / (time.perf_counter() - begun)
            progress = Progress(
                update,
                t.updates,
                step.terms,
                speed * t.batch,
                (t.updates - update) / speed,
                steps,
                None if step.problem else step.shares,
                record.position.skipped,
                record.position.damaged,
            )
            if last or update % t.log_every == 0 or steps is not None:
                progress = record.log(progress)
            if accelerator.is_main_process:
                report(progress)
            if last or update % t.save_every == 0:
                record.save()
            if record.fails:
                raise _failed(out, update, step.problem)
            if last:
                break
    return record.end(time.perf_counter() - begun)


def _accelerator(config: Config, out: Path, tracker: str | None) -> Accelerator:
    """Raises UserError: a tracker that is not there, or a batch that the processes can't share."""
    if tracker is not None and tracker not in TRACKERS:
        raise UserError(f"no tracker '{tracker}'", near(tracker, TRACKERS))
    if tracker is not None and find_spec(tracker) is None:
        raise UserError(f"{tracker} is not installed", f"pip install {tracker}")
    accelerator = Accelerator(
        cpu=not (torch.cuda.is_available() or torch.backends.mps.is_available()),
        mixed_precision="no",  # `train.precision` chooses, not accelerate's own configuration
        dataloader_config=DataLoaderConfiguration(split_batches=True),
        log_with=tracker,
        project_dir=out,
    )
    if config.train.batch % accelerator.num_processes:
        raise UserError(
            f"train.batch={config.train.batch} cannot be shared by {accelerator.num_processes} processes",
            "make it a multiple of their number",
        )
    return accelerator


def _stopped(accelerator: Accelerator, interrupted: list[int], update: int, every: int) -> bool:
    """Whether Ctrl-C was heard; several processes ask each other now and then, for it holds them all up."""
    if accelerator.num_processes == 1:
        return bool(interrupted)
    if update % every:
        return False
    if interrupted:
        accelerator.set_trigger()
    return accelerator.check_trigger()


def _failed(out: Path, update: int, problem: str | None) -> UserError:
    return UserError(
        f"updates {update - PATIENCE + 1} to {update}: {problem}",
        f"the last good state is in {out / 'last'}; start another run with a lower train.lr, or with train.clip",
    )


@contextmanager
def _plain_errors() -> Generator[None]:
    """A UserError of a process that loads faces comes without the traceback that torch puts before it.

    Raises:
        UserError: that one; or such a process was killed, which torch tells wherever the training is.
    """
    try:
        yield
    except UserError as error:
        raise UserError(str(error).rpartition("UserError: ")[2]) from None
    except RuntimeError as error:
        if "DataLoader worker" not in str(error):
            raise
        clear_frames(error.__traceback__)  # they hold the loader, which would tell it again and again
        raise UserError(
            "a process that loads faces was killed, perhaps for want of memory",
            "go on with --resume, and --set train.workers=1 if it happens again",
        ) from error


@contextmanager
def _interruption() -> Generator[list[int]]:
    """A list that is empty until Ctrl-C; the second Ctrl-C ends the process as usual."""
    received: list[int] = []

    def note(number: int, _frame: object) -> None:
        received.append(number)
        signal.signal(signal.SIGINT, before)

    try:
        before = signal.signal(signal.SIGINT, note)
    except ValueError:  # not the main thread: nothing can be caught here
        yield received
        return
    try:
        yield received
    finally:
        signal.signal(signal.SIGINT, before)
