"""Synthetic people: are they found, how fast are they, are their action units seen, do they pass for photographs?"""

import argparse
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
import torch
from classifiers import answers, learnt, told_apart
from numpy.typing import NDArray
from people import area_under_curve
from torch import Tensor
from torch.nn import functional as F

from mpe_lib import load
from mpe_lib.config import preset
from mpe_lib.evaluate import evaluate
from mpe_lib.faces.align import detect
from mpe_lib.faces.crops import CentreCrops, central
from mpe_lib.faces.degrade import degrade
from mpe_lib.faces.facset import read_faces
from mpe_lib.machine import describe
from mpe_lib.nets import Judge, ResNet18
from mpe_lib.pixels import to_picture, to_tensor
from mpe_lib.show import contact
from mpe_lib.synthetic import ACTIONS, draw_identity, synthesize
from mpe_lib.synthetic.people import Order, orders, prepare_synthetic
from mpe_lib.train import train

MARGIN = 72  # dlib's detector wants some room around a face
JUDGED = (4, 12, 25, 26)  # units on which a judge trained on real faces is asked
SCALE = 2.5  # of the real faces that synthetic ones are held against
TRAINED, HELD_OUT = 1000, 250  # faces of each kind, to be told apart
SEEN: dict[str, Callable[[Tensor], Tensor]] = {  # of faces (n, 3, 16, 16)
    "their 16 x 16 pixels": lambda x: x,
    "means of 4 x 4 of them": lambda x: F.avg_pool2d(x, 4),
    "the 4 x 10 across nose and cheeks": lambda x: x[:, :, 7:11, 3:13],
    "colour without lightness": lambda x: x - x.mean(1, keepdim=True),
}
SHEET = Path("out/real_and_synthetic.png")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--judge", metavar="WEIGHTS", help="ask this judge, or network, for action units")
    parser.add_argument("--classifier", type=int, default=0, metavar="N", help="train a classifier of them on N faces")
    parser.add_argument("--real", type=Path, metavar="FOLDER", help="tell synthetic people from these faces")
    parser.add_argument("--gain", type=Path, metavar="FOLDER", help="train on synthetic people, test on these faces")
    parser.add_argument("--processes", type=int, default=2)
    arguments = parser.parse_args()
    print(describe())
    with ProcessPoolExecutor(arguments.processes, mp_context=get_context("spawn"), initializer=one_thread) as pool:
        found = list(pool.map(landmark_errors, range(arguments.count), chunksize=8))
        report_landmarks([error for error, _ in found if error is not None], arguments.count)
        print(f"{len(found) / sum(seconds for _, seconds in found):.1f} faces of 144 pixels a second of one core")
        for au in JUDGED if arguments.judge else ():
            pairs = list(pool.map(on_and_off, [(seed, au) for seed in range(arguments.count // 5)], chunksize=8))
            area = judged(arguments.judge, au, pairs)
            print(f"AU{au}: {Path(arguments.judge).name} tells on from off with AUC {area:.3f}")
        if arguments.real:
            seeds = range(10**6, 10**6 + TRAINED + HELD_OUT)
            report_real(arguments.real, torch.cat(list(pool.map(small, seeds, chunksize=8))))
        if arguments.classifier:
            known = orders(arguments.classifier, arguments.classifier // 4, 0, "balanced", 2.9)
            new = orders(2000, 500, 1, "balanced", 2.9)
            pictures = [list(pool.map(picture, part, chunksize=8)) for part in (known, new)]
            report_classifier(pictures[0], known, pictures[1], new)
    if arguments.gain:
        report_gain(arguments.gain, arguments.processes)


def one_thread() -> None:
    cv2.setNumThreads(1)
    torch.set_num_threads(1)


def picture(order: Order) -> NDArray[np.uint8]:
    """The central 128 pixels at half the side."""
    image = synthesize(order.seed, order.aus, draw_identity(order.identity), scale=order.scale).image
    return cv2.resize(central(image), (64, 64), interpolation=cv2.INTER_AREA)


def small(seed: int) -> Tensor:
    """A face made small, (1, 3, 16, 16)."""
    return to_tensor(degrade(central(synthesize(seed, scale=SCALE).image))[None])


def landmark_errors(seed: int) -> tuple[NDArray[np.float64] | None, float]:
    """Distance of dlib's 68 points from the true ones, over the outer eye corners; None if it finds no face.

    And the seconds of a core that it took to draw it.
    """
    start = time.process_time()
    made = synthesize(seed)
    seconds = time.process_time() - start
    found = detect(cv2.copyMakeBorder(made.image, *[MARGIN] * 4, cv2.BORDER_REPLICATE))
    if not found:
        return None, seconds
    eyes = np.linalg.norm(made.landmarks[36] - made.landmarks[45])
    return np.linalg.norm(found[0].landmarks - MARGIN - made.landmarks, axis=1) / eyes, seconds


def report_landmarks(errors: list[NDArray[np.float64]], count: int) -> None:
    mean = np.mean(errors, axis=0)
    print(f"dlib finds {len(errors)} of {count}, {len(errors) / count:.1%}")
    print(f"landmark error: inner 51 {mean[17:].mean():.4f}, jaw {mean[:17].mean():.4f}")
    parts = {"brows": (17, 27), "nose": (27, 36), "eyes": (36, 48), "lips": (48, 68)}
    print("  " + ", ".join(f"{name} {mean[slice(*part)].mean():.4f}" for name, part in parts.items()))


def on_and_off(task: tuple[int, int]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """One person with a unit at full strength, and at rest, from which nothing else differs; 128 x 128."""
    seed, au = task
    on, off = (central(synthesize(seed, aus, scale=SCALE).image) for aus in ({au: 1.0}, {}))
    return on, off


def judged(weights: str, au: int, pairs: list[tuple[NDArray[np.uint8], NDArray[np.uint8]]]) -> float:
    """AUC of a judge, which sees the pictures, or of a network, which sees them made small."""
    net = load(weights)
    pictures = np.concatenate([np.stack(part) for part in zip(*pairs, strict=True)])
    if not isinstance(net, Judge):
        pictures = np.stack([degrade(picture) for picture in pictures])
    with torch.inference_mode():
        logits = torch.cat([net(part).au_logits for part in to_tensor(pictures).split(50)])
    on = torch.arange(len(logits)) < len(pairs)
    return area_under_curve(logits[:, net.config.aus.index(au)], on)


def report_real(folder: Path, synthetic: Tensor) -> None:
    """A small network learns to tell photographs from synthetic people, both of 16 x 16; some of them side by side."""
    real: list[Tensor] = []
    for split, count in (("train", TRAINED), ("test", HELD_OUT)):
        faces = CentreCrops(read_faces(folder, split, ()))
        chosen = torch.randperm(len(faces), generator=torch.Generator().manual_seed(0))[:count]
        real.append(torch.stack([faces[int(i)].lr for i in chosen]))
    rows = [*to_picture(real[1][:12]), *to_picture(synthetic[:12])]
    SHEET.parent.mkdir(exist_ok=True)
    contact(rows, columns=12).savefig(SHEET)  # it stays here: these photographs are nobody's to give away
    for what, seen in SEEN.items():
        known, new = (tuple(map(seen, kinds)) for kinds in zip(real, synthetic.split((TRAINED, HELD_OUT)), strict=True))
        print(f"told from {folder.name} after {2 * TRAINED} faces, by {what}: {told_apart(known, new):.1%} right")


def report_gain(folder: Path, processes: int) -> None:
    """What `tiny` gains over bicubic on photographs after 1,200 updates on synthetic people alone."""
    config = preset("tiny").replace({"net.face_scale": SCALE, "train.updates": 1200})
    with tempfile.TemporaryDirectory() as name:
        people, run = Path(name) / "people", Path(name) / "run"
        prepare_synthetic(people, 1600, 400, scale=SCALE, processes=processes)
        known, held = (read_faces(people, split, config.net.aus) for split in ("train", "val"))
        train(config, known, held, run)
        figures = evaluate(load(run), read_faces(folder, "test", config.net.aus))
    before, after = figures["bicubic"]["psnr"], figures["steps"][-1]["psnr"]
    print(
        f"trained on synthetic people alone, {folder.name}: {after:.2f} dB, bicubic {before:.2f}, {after - before:+.2f}"
    )


def report_classifier(
    known: list[NDArray[np.uint8]], train: list[Order], new: list[NDArray[np.uint8]], test: list[Order]
) -> None:
    """A quarter of a ResNet-18, trained for a few minutes, on people that it has not seen."""
    torch.manual_seed(0)
    pictures, unseen = (to_tensor(np.stack(part)) for part in (known, new))
    net = learnt(ResNet18(len(ACTIONS), 0.25), pictures, present(train), epochs=12)
    logits, truth = answers(net, unseen), present(test)
    areas = {au: area_under_curve(logits[:, i], truth[:, i] == 1) for i, au in enumerate(ACTIONS)}
    print("a classifier on new people, AUC: " + ", ".join(f"AU{au} {area:.3f}" for au, area in areas.items()))
    print(f"lowest {min(areas.values()):.3f}")


def present(made: list[Order]) -> Tensor:
    return torch.tensor([[float(au in order.aus) for au in ACTIONS] for order in made])


if __name__ == "__main__":
    main()
