"""Do the paper's weight of the AU loss and its joint branches help? The same training over seeds, for each combination.

A run that is there already is not trained again: stopped, the same command goes on with the next.
"""

import argparse
import shutil
import statistics
from pathlib import Path
from typing import Any

import torch

from mpe_lib import load
from mpe_lib.config import Config, preset
from mpe_lib.evaluate import evaluate
from mpe_lib.faces.facset import read_faces
from mpe_lib.machine import describe
from mpe_lib.train import train

WAYS = {
    "paper: .01, joint": {"train.lambda_au": 0.01, "net.detach_priors": False},
    ".01, detached": {"train.lambda_au": 0.01, "net.detach_priors": True},
    ".0003, joint": {"train.lambda_au": 3e-4, "net.detach_priors": False},
    "ours: .0003, detached": {"train.lambda_au": 3e-4, "net.detach_priors": True},
}
FIGURES = {"step 3, dB": "psnr", "landmarks": "landmarks", "AU F1, %": "f1"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--faces", type=Path, required=True, help="a face folder with the splits train and val")
    parser.add_argument("--out", type=Path, default=Path("out/loss_weights"), help="receives the runs")
    parser.add_argument("--preset", default="tiny")
    parser.add_argument("--updates", type=int, default=150)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    print(describe())
    print(f"{arguments.preset}, {arguments.updates} updates on {arguments.faces.name}")
    print("mean and range of seeds", *arguments.seeds)
    measured: dict[str, list[dict[str, float]]] = {way: [] for way in WAYS}
    for seed in arguments.seeds:
        for number, (way, changes) in enumerate(WAYS.items()):
            config = preset(arguments.preset).replace(
                changes | {"train.updates": arguments.updates, "train.seed": seed, "train.validate_every": 10**9}
            )
            measured[way].append(
                measure(
                    config,
                    arguments.faces,
                    arguments.out / f"{arguments.preset}-{arguments.faces.name}-{arguments.updates}-{number}-{seed}",
                )
            )
    print(f"{'':24}" + "".join(f"{name:>26}" for name in FIGURES))
    for way, runs in measured.items():
        cells = [summary([run[name] for run in runs]) for name in FIGURES.values()]
        print(f"{way:24}" + "".join(f"{cell:>26}" for cell in cells))


def measure(config: Config, folder: Path, out: Path) -> dict[str, float]:
    """Train, unless it is done, and measure on the validation faces."""
    known, validation = (read_faces(folder, split, config.net.aus) for split in ("train", "val"))
    config = config.replace({"net.face_scale": known.scale() or config.net.face_scale})
    if not (out / "summary.json").exists():
        shutil.rmtree(out, ignore_errors=True)
        train(config, known, validation, out)
    figures: dict[str, Any] = evaluate(load(out), validation)
    print(out.name, figures["steps"][-1], figures["landmark_nme"], figures["au"]["f1"], flush=True)
    return {
        "psnr": figures["steps"][-1]["psnr"],
        "landmarks": figures["landmark_nme"],
        "f1": 100 * figures["au"]["f1"],
    }


def summary(values: list[float]) -> str:
    digits = 4 if max(values) < 1 else 2
    return f"{statistics.mean(values):.{digits}f} ({min(values):.{digits}f}-{max(values):.{digits}f})"


if __name__ == "__main__":
    main()
