"""Synthetic people: does dlib find them, and where they are; how fast are they; can their action units be seen?"""

import argparse
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F
from weights import area_under_curve

from mpe_lib import load
from mpe_lib.faces.align import detect
from mpe_lib.faces.degrade import degrade
from mpe_lib.machine import describe
from mpe_lib.nets import ResNet18
from mpe_lib.pixels import to_tensor
from mpe_lib.synthetic import ACTIONS, synthesize
from mpe_lib.synthetic.people import Order, orders

MARGIN = 72  # dlib's detector wants some room around a face
JUDGED = (12, 25)  # units on which a judge trained on real faces is asked


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--classifier", type=int, default=0, metavar="N", help="train a classifier on N faces")
    parser.add_argument("--processes", type=int, default=2)
    arguments = parser.parse_args()
    print(describe())
    with ProcessPoolExecutor(arguments.processes, mp_context=get_context("spawn"), initializer=one_thread) as pool:
        found = list(pool.map(landmark_errors, range(arguments.count), chunksize=8))
        report_landmarks([error for error in found if error is not None], arguments.count)
        start = time.perf_counter()
        list(pool.map(face, range(arguments.count, arguments.count + 120), chunksize=8))
        print(
            f"{120 / (time.perf_counter() - start):.1f} faces a second at 144 pixels, {arguments.processes} processes"
        )
        for au in JUDGED:
            pairs = list(pool.map(on_and_off, [(seed, au) for seed in range(arguments.count // 5)], chunksize=8))
            print(f"AU{au}: the judge `small` tells on from off with AUC {judged(au, pairs):.3f}")
        if arguments.classifier:
            train = orders(arguments.classifier, arguments.classifier // 4, 0, "balanced", 2.9)
            test = orders(600, 200, 1, "balanced", 2.9)
            known, new = (list(pool.map(picture, part, chunksize=8)) for part in (train, test))
            report_classifier(known, train, new, test)


def one_thread() -> None:
    cv2.setNumThreads(1)
    torch.set_num_threads(1)


def face(seed: int) -> NDArray[np.uint8]:
    return synthesize(seed).image


def picture(order: Order) -> NDArray[np.uint8]:
    """The central 128 pixels at half the side."""
    from mpe_lib.synthetic import draw_identity

    image = synthesize(order.seed, order.aus, draw_identity(order.identity), scale=order.scale).image
    return cv2.resize(image[8:136, 8:136], (64, 64), interpolation=cv2.INTER_AREA)


def landmark_errors(seed: int) -> NDArray[np.float64] | None:
    """Distance of dlib's 68 points from the true ones, over the outer eye corners; None if it finds no face."""
    made = synthesize(seed)
    found = detect(cv2.copyMakeBorder(made.image, *[MARGIN] * 4, cv2.BORDER_REPLICATE))
    if not found:
        return None
    eyes = np.linalg.norm(made.landmarks[36] - made.landmarks[45])
    return np.linalg.norm(found[0].landmarks - MARGIN - made.landmarks, axis=1) / eyes


def report_landmarks(errors: list[NDArray[np.float64]], count: int) -> None:
    mean = np.mean(errors, axis=0)
    print(f"dlib finds {len(errors)} of {count}, {len(errors) / count:.1%}")
    print(f"landmark error: inner 51 {mean[17:].mean():.4f}, jaw {mean[:17].mean():.4f}")
    parts = {"brows": (17, 27), "nose": (27, 36), "eyes": (36, 48), "lips": (48, 68)}
    print("  " + ", ".join(f"{name} {mean[slice(*part)].mean():.4f}" for name, part in parts.items()))


def on_and_off(task: tuple[int, int]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """One person with a unit at full strength, and at rest, from which nothing else differs; 16 x 16."""
    seed, au = task
    images = (synthesize(seed, aus, scale=2.5).image[8:136, 8:136] for aus in ({au: 1.0}, {}))
    on, off = (degrade(np.ascontiguousarray(image)) for image in images)
    return on, off


def judged(au: int, pairs: list[tuple[NDArray[np.uint8], NDArray[np.uint8]]]) -> float:
    net = load("small")
    with torch.inference_mode():
        logits = net(to_tensor(np.concatenate([np.stack(part) for part in zip(*pairs, strict=True)]))).au_logits
    assert logits is not None
    on = torch.arange(len(logits)) < len(pairs)
    return area_under_curve(logits[:, net.config.aus.index(au)], on)


def report_classifier(
    known: list[NDArray[np.uint8]], train: list[Order], new: list[NDArray[np.uint8]], test: list[Order]
) -> None:
    """A quarter of a ResNet-18, trained for a few minutes, on people that it has not seen."""
    torch.manual_seed(0)
    net = ResNet18(len(ACTIONS), 0.25)
    pictures, labels = to_tensor(np.stack(known)) - 0.4, present(train)
    optimizer = torch.optim.AdamW(net.parameters(), lr=2e-3, weight_decay=0.02)
    epochs, batch = 12, 32
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 4e-3, epochs * (len(known) // batch))
    for _ in range(epochs):
        order = torch.randperm(len(known))
        for i in range(len(known) // batch):
            chosen = order[i * batch : (i + 1) * batch]
            x = pictures[chosen]
            x = x.flip(-1) if torch.rand(()) < 0.5 else x
            loss = F.binary_cross_entropy_with_logits(net(x), labels[chosen])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    net.eval()
    with torch.inference_mode():
        logits = torch.cat([net(part) for part in (to_tensor(np.stack(new)) - 0.4).split(64)])
    truth = present(test)
    areas = {au: area_under_curve(logits[:, i], truth[:, i] == 1) for i, au in enumerate(ACTIONS)}
    print("a classifier on new people, AUC: " + ", ".join(f"AU{au} {area:.3f}" for au, area in areas.items()))
    print(f"lowest {min(areas.values()):.3f}")


def present(made: list[Order]) -> Tensor:
    return torch.tensor([[float(au in order.aus) for au in ACTIONS] for order in made])


if __name__ == "__main__":
    main()
