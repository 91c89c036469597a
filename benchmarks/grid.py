"""What a whole grid of trainings costs, on paper: operations counted, hours estimated at an assumed speed.

Operations are counted in one real update of each preset, with everything that it computes: losses, discriminators,
features. Hours follow from `--tflops`, what a GPU is assumed to sustain in such small batches; no GPU was timed for it.
The longest cells begin first.
"""

import argparse
import heapq
import tempfile
from pathlib import Path

import torch
from accelerate import Accelerator
from torch.utils.data import default_collate
from torch.utils.flop_counter import FlopCounterMode

from mpe_lib.config import preset
from mpe_lib.faces.astronaut import astronaut_folder
from mpe_lib.faces.crops import RandomCrops, Sample
from mpe_lib.faces.facset import read_faces
from mpe_lib.features import PUBLIC
from mpe_lib.learner import Learner
from mpe_lib.losses import au_weights

SYSTEMS = {  # preset, and what it goes on from
    "SRCNN": ("srcnn", None),
    "VDSR": ("vdsr", None),
    "Wavelet-SRNet": ("wavelet", None),
    "SRFBN": ("srfbn", None),
    "DIC": ("dic", None),
    "DICGAN": ("dicgan", "DIC"),
    "SISN": ("sisn", None),
    "MPENet": ("paper", None),
    "MPEGAN": ("mpegan", "MPENet"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", type=int, default=2, help="data sets")
    parser.add_argument("--folds", type=int, default=3)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--faces", type=int, default=200_000, help="seen by each training; 50,000 updates of 4")
    parser.add_argument("--tflops", type=float, default=10.0, help="sustained by a GPU, assumed")
    parser.add_argument("--gpus", type=int, nargs="+", default=[1, 8, 64])
    arguments = parser.parse_args()
    cells = arguments.sets * arguments.folds * arguments.seeds
    print(f"{len(SYSTEMS)} systems, {cells} trainings of each, {arguments.faces:,} faces a training")
    print(f"at {arguments.tflops:g} TFLOP/s a GPU (assumed)\n")
    print(f"{'':16}{'GFLOP a face':>14}{'hours a training':>18}{'all':>10}")
    hours: dict[str, float] = {}
    for name, (preset_name, _) in SYSTEMS.items():
        giga = gigaflop(preset_name)
        hours[name] = giga * arguments.faces / (arguments.tflops * 1000) / 3600
        print(f"{name:16}{giga:14.1f}{hours[name]:18.2f}{hours[name] * cells:8.0f} h", flush=True)
    print(f"\n{'GPUs':>6}{'hours':>8}{'GPU-hours':>11}")
    for count in arguments.gpus:
        print(f"{count:6}{makespan(hours, cells, count):8.1f}{sum(hours.values()) * cells:11.0f}")


def gigaflop(name: str) -> float:
    """Billions of operations for a face in an update, there and back."""
    config = preset(name).replace({"train.precision": "fp32", "train.batch": 2, "train.validate_every": 10**9})
    features = PUBLIC[config.train.features].build() if config.train.lambda_per else None
    with tempfile.TemporaryDirectory() as folder:
        faces = read_faces(astronaut_folder(Path(folder), 16), "train", config.net.aus)
        crops = RandomCrops(faces, 0.0, 0)
        batch = Sample(*default_collate([crops[(1, index)] for index in range(2)]))
        learner = Learner(config, au_weights(faces.rates()), Accelerator(cpu=True), features)
        with FlopCounterMode(display=False) as counted:
            learner.update(batch, 2)
    return counted.get_total_flops() / 2 / 1e9


def makespan(hours: dict[str, float], cells: int, gpus: int) -> float:
    """Hours until the last training ends: what goes on from another waits for it, and the longest begin first."""
    free = [0.0] * gpus
    ready: list[tuple[float, str]] = [(0.0, name) for name, (_, before) in SYSTEMS.items() if before is None] * cells
    ended = 0.0
    ready.sort(key=lambda each: -hours[each[1]])
    followers = {before: name for name, (_, before) in SYSTEMS.items() if before}
    heapq.heapify(free)
    waiting: list[tuple[float, str]] = []
    for at, name in ready:
        end = max(heapq.heappop(free), at) + hours[name]
        heapq.heappush(free, end)
        if name in followers:
            waiting.append((end, followers[name]))
        ended = max(ended, end)
    for at, name in sorted(waiting):
        end = max(heapq.heappop(free), at) + hours[name]
        heapq.heappush(free, end)
        ended = max(ended, end)
    return ended


if __name__ == "__main__":
    torch.manual_seed(0)
    main()
