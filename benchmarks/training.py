"""An update of a preset, as the library does it and plainly: time, peak memory, share of it spent on data.

Each way runs in a process of its own, one after the other, on the same faces; the figures to look at are the ratios.
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
from torch.utils.data import default_collate
from torch.utils.flop_counter import FlopCounterMode

from mpe_lib.config import Config, NetConfig, preset
from mpe_lib.faces.astronaut import astronaut_folder
from mpe_lib.faces.crops import RandomCrops, Sample
from mpe_lib.faces.facset import read_faces
from mpe_lib.learner import Learner
from mpe_lib.losses import au_weights, mpe_loss
from mpe_lib.machine import describe
from mpe_lib.memory import keep_freed_memory
from mpe_lib.nets import MPENet

# Ways to do it: plain is contiguous, fp32, eager, with Adam's loop and glibc's memory; the others are the library's.
WAYS = {
    "plain": {},
    "fp32": {"train.precision": "fp32"},
    "give back": {"train.precision": "fp32"},  # freed memory to the kernel
    "bf16": {"train.precision": "bf16"},
    "recompute": {"train.precision": "fp32", "train.recompute": True},
    "recompute bf16": {"train.precision": "bf16", "train.recompute": True},
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
    print(describe())
    print(f"{arguments.preset}, batch {arguments.batch}")
    print(f"{'':16}{'update':>9}{'faces/s':>9}{'of plain':>9}{'data':>7}{'peak MB':>9}{'of plain':>9}{'GFLOP/s':>9}")
    plain: dict[str, float] = {}
    for way in arguments.ways:
        command = [sys.executable, __file__, "--one", way, "--preset", arguments.preset]
        command += [f"--{name}={getattr(arguments, name)}" for name in ("batch", "updates", "threads")]
        found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        plain = plain or found
        speed, memory = plain["seconds"] / found["seconds"], found["megabytes"] / plain["megabytes"]
        print(
            f"{way:16}{found['seconds']:7.2f} s{arguments.batch / found['seconds']:9.2f}{speed:8.2f}x"
            f"{found['loading']:7.1%}{found['megabytes']:9.0f}{memory:9.0%}{found['gflop'] / found['seconds']:9.0f}",
            flush=True,
        )


def measure(way: str, arguments: argparse.Namespace) -> dict[str, float]:
    """Seconds and billions of operations of an update, peak megabytes, and the share of loading."""
    config = preset(arguments.preset).replace({"train.batch": arguments.batch, "train.validate_every": 10**9})
    config = config.replace(WAYS[way])
    with tempfile.TemporaryDirectory() as folder:
        faces = read_faces(astronaut_folder(Path(folder), 16), "train", config.net.aus)
        crops = RandomCrops(faces, config.train.scale_jitter, seed=0)
        accelerator = Accelerator()
        weights = au_weights(faces.rates()).to(accelerator.device)
        if way not in ("plain", "give back") and not config.train.recompute:  # as `mpe_lib.train` does
            keep_freed_memory()
        update = plainly(config, weights) if way == "plain" else Learner(config, weights, accelerator).update
        loading = training = 0.0
        for number in range(1, arguments.updates + WARMING + 1):
            start = time.perf_counter()
            batch = default_collate([crops[(number, i % len(faces))] for i in range(arguments.batch)])
            batch = Sample(*(tensor.to(accelerator.device) for tensor in batch))
            loaded = time.perf_counter()
            update(batch, number)
            if torch.cuda.is_available():
                torch.cuda.synchronize()
            if number > WARMING:  # the first allocate, choose kernels, compile
                loading += loaded - start
                training += time.perf_counter() - loaded
        on_gpu = torch.cuda.is_available()
        peak = torch.cuda.max_memory_allocated() / 2**20 if on_gpu else peak_megabytes()
    seconds = (loading + training) / arguments.updates
    return {
        "seconds": seconds,
        "loading": loading / (loading + training),
        "megabytes": peak,
        "gflop": 3 * operations(config.net) * arguments.batch,  # the way back is twice the way there
    }


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


def operations(config: NetConfig, side: int = 16) -> float:
    """Billions of floating-point operations of a face on its way through, a multiplication and an addition each."""
    with torch.device("meta"):
        net = MPENet(config).eval()
        with FlopCounterMode(display=False) as counted:
            net(torch.zeros(1, 3, side, side))
    return counted.get_total_flops() / 1e9


if __name__ == "__main__":
    main()
