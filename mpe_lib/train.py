"""The training loop: one for a CPU, a GPU or several, interrupted and resumed without a trace."""

import json
import math
import signal
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.utils import DataLoaderConfiguration
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.data import DataLoader

from mpe_lib import checkpoint
from mpe_lib.config import Config, TrainConfig
from mpe_lib.errors import UserError
from mpe_lib.faces.crops import CentreCrops, RandomCrops, Sample, Shuffled
from mpe_lib.faces.facset import Faces
from mpe_lib.losses import LossTerms, au_weights, mpe_loss
from mpe_lib.metrics import psnr
from mpe_lib.nets import MPENet, evaluating
from mpe_lib.pixels import to_picture


class Progress(NamedTuple):
    """What `train` reports after an update."""

    update: int  # updates done
    updates: int  # updates in all
    terms: LossTerms  # of this update
    faces_per_second: float
    seconds_left: float
    psnr: list[float] | None  # dB of every step on the validation faces, where this update validated


class Summary(NamedTuple):
    """How a training ended."""

    update: int
    finished: bool  # false: interrupted, to be resumed
    best_psnr: float  # dB on Y, border 0, of the last step, on the validation faces
    best_update: int
    seconds: float  # of this process


def train(
    config: Config,
    faces: Faces,
    validation: Faces,
    out: Path,
    *,
    resume: bool = False,
    report: Callable[[Progress], None] = lambda _: None,
) -> Summary:
    """Train an MPENet and leave it in the folder `out`.

    `out` receives config.json, metrics.jsonl, last/ (to resume), best/ (by validation PSNR) and, at the
    end, summary.json. Ctrl-C ends the training after the update under way; `resume` goes on from last/
    with the same data in the same order.

    Raises:
        UserError: `out` holds a run already and `resume` is false, or holds none and it is true; or its
            config or its faces are others.
    """
    run = checkpoint.Run(out)
    accelerator = Accelerator(
        mixed_precision="no",  # `train.precision` chooses, not accelerate's own configuration
        dataloader_config=DataLoaderConfiguration(split_batches=True),
    )
    if config.train.batch % accelerator.num_processes:
        raise UserError(
            f"train.batch={config.train.batch} cannot be shared by {accelerator.num_processes} processes",
            "make it a multiple of their number",
        )
    torch.manual_seed(config.train.seed)
    net = MPENet(config.net).to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    average = AveragedModel(net, multi_avg_fn=get_ema_multi_avg_fn(config.train.average), use_buffers=True)
    optimizer = torch.optim.Adam(net.parameters(), lr=config.train.lr)
    position = checkpoint.Position()
    if resume:
        position = run.resume(config, faces.fingerprint(), net, average, optimizer)
    if accelerator.is_main_process and resume:
        run.rewind(position.update)
    elif accelerator.is_main_process:
        run.begin(config)

    t = config.train
    batches = Shuffled(faces.frequency, t.batch, position.update, t.updates, t.seed)
    crops = RandomCrops(faces, t.scale_jitter, t.seed)
    pin = accelerator.device.type == "cuda"
    loader = DataLoader(crops, batch_sampler=batches, num_workers=t.workers, pin_memory=pin)
    model, optimizer, loader = accelerator.prepare(net, optimizer, loader)
    average = average.to(accelerator.device)
    weights = au_weights(faces.rates()).to(accelerator.device)
    start = time.perf_counter()

    with _interruption() as interrupted:
        for update, batch in enumerate(_plain_errors(loader), position.update + 1):
            terms = update_once(accelerator, model, optimizer, batch, weights, update, t)
            average.update_parameters(net)
            position = position._replace(update=update)

            steps = None
            if interrupted:
                accelerator.set_trigger()
            last = accelerator.check_trigger() or update == t.updates  # Ctrl-C in one process ends all
            kept = last or any(update % every == 0 for every in (t.log_every, t.validate_every, t.save_every))
            if kept and not terms.total.isfinite():
                raise UserError(
                    f"update {update}: the loss is not finite", "begin again with a lower train.lr, or with train.clip"
                )
            if update % t.validate_every == 0 or last:
                steps = validate(average.module, validation, t.validate_faces)
                if steps[-1] > position.best_psnr:
                    position = position._replace(best_psnr=steps[-1], best_update=update)
                    if accelerator.is_main_process:
                        run.save_best(average.module, config)
            speed = (update - batches.start) / (time.perf_counter() - start)
            progress = Progress(update, t.updates, terms, speed * t.batch, (t.updates - update) / speed, steps)
            if accelerator.is_main_process:
                report(progress)
                if update % t.log_every == 0 or steps is not None:
                    run.log(_line(progress, optimizer.param_groups[0]["lr"]))
                if update % t.save_every == 0 or last:
                    run.save_last(net, average, optimizer, position, config, faces.fingerprint())
            if last:
                break

    summary = Summary(
        position.update,
        position.update == t.updates,
        position.best_psnr,
        position.best_update,
        time.perf_counter() - start,
    )
    if accelerator.is_main_process and summary.finished and summary.update > batches.start:
        run.finish(summary._asdict())
    accelerator.wait_for_everyone()  # a launcher ends all processes with the first
    return summary


def learning_rate(update: int, config: TrainConfig) -> float:
    """The rate of update 1, 2, ...: a linear rise over `warmup`, then constant or half a cosine down to zero."""
    if update <= config.warmup:
        return config.lr * update / config.warmup
    if config.schedule == "constant":
        return config.lr
    done = (update - config.warmup) / max(config.updates - config.warmup, 1)
    return config.lr * (1 + math.cos(math.pi * min(done, 1))) / 2


def validate(net: nn.Module, faces: Faces, most: int) -> list[float]:
    """Mean PSNR on Y, border 0, of every step over at most `most` of the faces, evenly spaced, in dB."""
    device = next(net.parameters()).device
    chosen = np.linspace(0, len(faces) - 1, min(most, len(faces))).round().astype(np.int64)
    scores: list[Tensor] = []  # each (steps, n)
    with evaluating(net):
        for batch in DataLoader(CentreCrops(faces.take(chosen)), batch_size=16):
            hr = to_picture(batch.hr)
            scores.append(torch.stack([psnr(to_picture(sr), hr) for sr in net(batch.lr.to(device)).sr]))
    return torch.cat(scores, 1).mean(1).tolist()


def update_once(
    accelerator: Accelerator,
    model: nn.Module,
    optimizer: Any,
    batch: Sample,
    weights: Tensor,
    update: int,
    config: TrainConfig,
) -> LossTerms:
    """One step of the optimiser; the loss terms before it."""
    for group in optimizer.param_groups:
        group["lr"] = learning_rate(update, config)
    device = accelerator.device.type
    with torch.autocast(device, torch.bfloat16, enabled=config.precision == "bf16"):
        output = model(batch.lr.contiguous(memory_format=torch.channels_last))
    terms = mpe_loss(output, batch, weights, config)
    optimizer.zero_grad()
    accelerator.backward(terms.total)
    if config.clip:
        accelerator.clip_grad_norm_(model.parameters(), config.clip)
    optimizer.step()
    return LossTerms(*(term.detach() for term in terms))


def _plain_errors(batches: Iterable[Sample]) -> Iterator[Sample]:
    """The batches; a worker's UserError comes without the traceback that torch puts before it."""
    try:
        yield from batches
    except UserError as error:
        raise UserError(str(error).rpartition("UserError: ")[2]) from None


def _line(progress: Progress, lr: float) -> str:
    """A line of metrics.jsonl."""
    terms = {f"loss_{name}": value.item() for name, value in progress.terms._asdict().items()}
    line: dict[str, Any] = {"update": progress.update, "lr": lr, "faces_per_second": progress.faces_per_second}
    return json.dumps(line | terms | ({"psnr": progress.psnr} if progress.psnr else {}))


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
