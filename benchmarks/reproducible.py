"""Does the same give the same? One set of weights measured on several threads, one training done twice.

With --again FOLDER STORED: the results of a sweep's trainings that were done again, and how far the stored ones are.

A sum of floating-point numbers depends on its order, and the order on how many threads share it: figures of a network
may differ in digits that nobody reads, and a training, whose every update builds on the last, in more.
"""

import argparse
import hashlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import torch

from mpe_lib.evaluate import evaluate
from mpe_lib.faces.facset import read_faces
from mpe_lib.machine import describe
from mpe_lib.nets import System
from mpe_lib.sources import face_folder
from mpe_lib.weights import load

THREADS = (1, 2, 4)
TRAIN = "import sys, torch; torch.set_num_threads(int(sys.argv.pop(1))); from mpe_lib.cli import main; main()"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", default="small")
    parser.add_argument("--faces", default="synthetic:400")
    parser.add_argument("--preset", default="tiny")
    parser.add_argument("--updates", type=int, default=50)
    parser.add_argument("--again", type=Path, nargs=2, metavar=("FOLDER", "STORED"))
    arguments = parser.parse_args()
    print(describe())
    if arguments.again:
        compare_results(*arguments.again)
        return
    net = load(arguments.weights)
    faces = face_folder(arguments.faces, net.config.face_scale)
    print(
        f"{arguments.weights} on the test faces of {arguments.faces}, border 0, and what is different from one thread"
    )
    measured(net, faces)
    print(f"{arguments.preset}, {arguments.updates} updates on {arguments.faces}: SHA-256 of the network")
    with tempfile.TemporaryDirectory() as folder:
        for threads in (1, 1, 2, 2):
            out = Path(tempfile.mkdtemp(dir=folder)) / "run"
            print(f"{threads} threads {trained(out, faces, arguments, threads)}", flush=True)


def measured(net: System, faces: Path) -> None:
    """PSNR, SSIM and landmark error by the number of threads, and how far they are from those of one."""
    tested = read_faces(faces, "test", net.config.aus)
    first: dict[str, float] = {}
    for threads in THREADS:
        torch.set_num_threads(threads)
        figures = evaluate(net, tested)
        found = figures["steps"][-1] | {"landmark error": figures["landmark_nme"]}
        first = first or found
        row = (f"{name} {value:.6f} ({value - first[name]:+.1e})" for name, value in found.items())
        print(f"{threads} threads " + "  ".join(row), flush=True)


def compare_results(again: Path, stored: Path) -> None:
    """PSNR and SSIM of the last step of every training, and how far the stored ones are."""
    for path in sorted(again.glob("*.json")):
        now, then = (json.loads((folder / path.name).read_text())["figures"] for folder in (again, stored))
        row = [
            f"{name} {now['steps'][-1][name]:.6f} ({then['steps'][-1][name] - now['steps'][-1][name]:+.1e})"
            for name in ("psnr", "ssim")
        ]
        print(f"{path.stem:24}" + "  ".join(row))


def trained(out: Path, faces: Path, arguments: argparse.Namespace, threads: int) -> str:
    """Train in a process of its own."""
    command = [sys.executable, "-c", TRAIN, str(threads), "train", "--preset", arguments.preset]
    command += ["--faces", str(faces), "--updates", str(arguments.updates), "--out", str(out)]
    subprocess.run(command, check=True, capture_output=True)
    return hashlib.sha256((out / "last" / "net.safetensors").read_bytes()).hexdigest()


if __name__ == "__main__":
    main()
