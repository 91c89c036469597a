"""What training is fed, on one core: faces decoded, cropped, flipped and degraded, against decoding them alone."""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import torch
from PIL import Image

from mpe_lib.config import TrainConfig
from mpe_lib.faces.crops import RandomCrops
from mpe_lib.faces.facset import read_faces
from mpe_lib.machine import describe
from mpe_lib.synthetic.people import prepare_synthetic

ROUNDS = 7


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--faces", type=Path, help="a face folder; synthetic people unless given")
    parser.add_argument("--count", type=int, default=400)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory() as folder:
        source = arguments.faces
        if source is None:
            source = Path(folder) / "people"
            prepare_synthetic(source, arguments.count, arguments.count // 4)
        faces = read_faces(source, None, ())
        faces = faces.take(np.linspace(0, len(faces) - 1, min(arguments.count, len(faces))).astype(np.int64))
        crops = RandomCrops(faces, TrainConfig().scale_jitter, seed=0)

        def pairs(visit: int) -> None:
            for index in range(len(faces)):
                crops[visit, index]

        def decoding(_: int) -> None:
            for path in faces.paths:
                np.asarray(Image.open(path).convert("RGB"))

        both = [(rate(decoding, round_, len(faces)), rate(pairs, round_, len(faces))) for round_ in range(ROUNDS + 1)]
    alone, fed = (statistics.median(column) for column in zip(*both[1:], strict=True))  # the first one warms up
    share = statistics.median(b / a for a, b in both[1:])
    print(describe())
    print(f"{len(faces)} {faces.paths[0].suffix} pictures, one core")
    print(f"decoded {alone:.0f} a second; decoded, cropped, flipped, degraded {fed:.0f}: {share:.0%} of it")


def rate(work: Callable[[int], None], number: int, count: int) -> float:
    """Pictures a second."""
    start = time.perf_counter()
    work(number)
    return count / (time.perf_counter() - start)


if __name__ == "__main__":
    main()
