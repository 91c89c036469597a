"""An update of a preset, as the library does it and plainly: time, peak memory, share of it spent waiting for data.

The last columns say how much of what torch.matmul reaches here (bf16 on a GPU, fp32 on a CPU) an update makes use of,
and how long all updates of the preset would take. Each way runs in a process of its own, one after the other, on the
same faces; the figures to look at are the ratios.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch
from accelerate import Accelerator
from machine import peak_megabytes
from operations import matmul, operations
from torch.utils.data import DataLoader

from mpe_lib.config import Config, preset
from mpe_lib.faces.astronaut import astronaut_folder
from mpe_lib.faces.crops import RandomCrops, Sample, Shuffled
from mpe_lib.faces.facset import read_faces
from mpe_lib.learner import Learner
from mpe_lib.losses import au_weights, mpe_loss
from mpe_lib.machine import describe
from mpe_lib.memory import keep_freed_memory
from mpe_lib.nets import MPENet
from mpe_lib.train import WORKERS

# Ways to do it: plain is contiguous, fp32, eager, with Adam's loop and glibc's memory; the others are the library's.
WAYS = {
    "plain": {},
    "fp32": {"train.precision": "fp32"},
    "give back": {"train.precision": "fp32"},  # freed memory to the kernel
    "bf16": {"train.precision": "bf16"},
    "recompute": {"train.precision": "fp32", "train.recompute": True},
    "recompute bf16": {"train.precision": "bf16", "train.recompute": True},
    "graph": {"train.precision": "fp32", "train.graph": True},
    "graph bf16": {"train.precision": "bf16", "train.graph": True},
    "compile": {"train.precision": "fp32", "train.compile": True},
    "compile bf16": {"train.precision": "bf16", "train.compile": True},
}
WARMING = 3  # updates


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--preset", default="base")
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--updates", type=int, default=5, help="timed, after those that are not")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--ways", nargs="+", default=["plain", "fp32", "bf16", "recompute"], choices=list(WAYS))
    parser.add_argument("--one", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    if arguments.one:
        print(json.dumps(measure(arguments.one, arguments)))
        return
    on_gpu = torch.cuda.is_available()
    bound = matmul("cuda", torch.bfloat16) if on_gpu else matmul("cpu", torch.float32)
    print(describe())
    print(f"{arguments.preset}, batch {arguments.batch}; torch.matmul {bound:,.0f} GFLOP/s")
    print(f"{'':16}{'update':>9}{'faces/s':>9}{'of plain':>9}{'data':>7}{'peak MB':>9}{'of plain':>9}", end="")
    print(f"{'GFLOP/s':>9}{'of matmul':>10}{'schedule':>10}")
    plain: dict[str, float] = {}
    updates = preset(arguments.preset).train.updates
    for way in arguments.ways:
        command = [sys.executable, __file__, "--one", way, "--preset", arguments.preset]
        command += [f"--{name}={getattr(arguments, name)}" for name in ("batch", "updates", "threads")]
        found = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
        plain = plain or found
        seconds, speed = found["seconds"], found["gflop"] / found["seconds"]
        print(
            f"{way:16}{seconds * 1000:6.0f} ms{arguments.batch / seconds:9.2f}{plain['seconds'] / seconds:8.2f}x"
            f"{found['loading']:7.1%}{found['megabytes']:9.0f}{found['megabytes'] / plain['megabytes']:9.0%}"
            f"{speed:9.0f}{speed / bound:10.1%}{seconds * updates / 3600:8.2f} h",
            flush=True,
        )


def measure(way: str, arguments: argparse.Namespace) -> dict[str, float]:
    """Seconds and billions of operations of an update, peak megabytes, and the share of waiting for data."""
    config = preset(arguments.preset).replace({"train.batch": arguments.batch, "train.validate_every": 10**9})
    config = config.replace(WAYS[way])
    on_gpu = torch.cuda.is_available()
    with tempfile.TemporaryDirectory() as folder:
        faces = read_faces(astronaut_folder(Path(folder), 64), "train", config.net.aus)
        crops = RandomCrops(faces, config.train.scale_jitter, seed=0)
        order = Shuffled(len(faces), arguments.batch, 0, arguments.updates + WARMING, seed=0)
        accelerator = Accelerator()
        workers = WORKERS if on_gpu else 0
        loader = accelerator.prepare(DataLoader(crops, batch_sampler=order, num_workers=workers, pin_memory=on_gpu))
        weights = au_weights(faces.rates()).to(accelerator.device)
        if way not in ("plain", "give back") and not config.train.recompute:  # as `mpe_lib.train` does
            keep_freed_memory()
        update = plainly(config, weights) if way == "plain" else Learner(config, weights, accelerator).update
        loading = 0.0
        begun = waiting = time.perf_counter()
        for number, batch in enumerate(loader, 1):
            loading += time.perf_counter() - waiting
            update(batch, number)
            if number <= WARMING or number == arguments.updates + WARMING:
                _finish()
            if number == WARMING:  # the first allocate, choose kernels, compile
                begun, loading = time.perf_counter(), 0.0
            waiting = time.perf_counter()
        took = time.perf_counter() - begun
        peak = torch.cuda.max_memory_allocated() / 2**20 if on_gpu else peak_megabytes()
    return {
        "seconds": took / arguments.updates,
        "loading": loading / took,
        "megabytes": peak,
        "gflop": 3 * operations(config.net) * arguments.batch,  # the way back is twice the way there
    }


def _finish() -> None:
    """Let a GPU do what it has been told."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def plainly(config: Config, weights: torch.Tensor) -> Callable[[Sample, int], object]:
    """The same update without anything that makes it fast."""
    net = MPENet(config.net).to(weights.device)
    optimizer = torch.optim.Adam(net.parameters(), config.train.lr, foreach=False)

    def update(batch: Sample, number: int) -> None:
        terms = mpe_loss(net(batch.lr), batch, weights, config.train)
        optimizer.zero_grad()
        terms.total.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()

    return update


if __name__ == "__main__":
    main()
