"""A face folder of synthetic people: `mpe prepare synthetic`."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.random import Generator

from mpe_lib.config import AU_SETS, near
from mpe_lib.errors import UserError
from mpe_lib.faces.folder import Row, fill, row
from mpe_lib.faces.picture import write_png
from mpe_lib.synthetic.identity import draw_identity
from mpe_lib.synthetic.muscles import ACTIONS
from mpe_lib.synthetic.render import synthesize

VERSION = 4  # of the pictures: another for the same seed is another version
# How often a unit occurs. BP4D's and DISFA's follow from the weights of their folds 1 and 2, which are
# proportional to one over the rate, and from the rate of the commonest unit; what a set does not label is rare.
BALANCED, RARE = 0.3, 0.05
RATES = {
    "bp4d": (0.19, 0.15, 0.20, 0.46, 0.59, 0.59, 0.56, 0.47, 0.18, 0.35, 0.17, 0.15),
    "disfa": (0.038, 0.023, 0.137, 0.069, 0.029, 0.124, 0.28, 0.105),
}
# What one face cannot do at once: the second gives way.
OPPOSED = ((43, 5), (24, 25), (24, 26), (12, 15), (23, 20), (43, 7))


@dataclass(frozen=True)
class Order:
    """One picture to be made."""

    name: str
    person: int  # number in the folder
    identity: int  # seed of the person
    split: str
    seed: int  # of pose, light and scenery
    aus: dict[int, float]
    scale: float


def occurrence(rates: str) -> dict[int, float]:
    """How often each unit occurs.

    Raises:
        UserError: no such rates, with the near misses named.
    """
    if rates == "balanced":
        return dict.fromkeys(ACTIONS, BALANCED)
    if rates not in RATES:
        raise UserError(f"no rates '{rates}'", near(rates, ["balanced", *RATES]))
    return dict.fromkeys(ACTIONS, RARE) | dict(zip(AU_SETS[rates], RATES[rates], strict=True))


def orders(count: int, people: int, seed: int, rates: str, scale: float) -> list[Order]:
    """The pictures of a folder: every person as often as any other; of ten people one validates and one tests."""
    often = occurrence(rates)
    random = np.random.default_rng((seed, 7))
    turns, identities = random.permutation(people), random.integers(2**31, size=people)
    held = max(1, round(people / 10))
    split = dict.fromkeys(turns.tolist(), "train")
    split |= dict.fromkeys(turns[:held].tolist(), "val") | dict.fromkeys(turns[held : 2 * held].tolist(), "test")
    return [
        Order(
            f"{number:06}.png",
            number % people,
            int(identities[number % people]),
            split[number % people],
            int(random.integers(2**31)),
            draw_expression(random, often),
            scale,
        )
        for number in range(count)
    ]


def draw_expression(random: Generator, often: dict[int, float]) -> dict[int, float]:
    """Units that occur so often, each of intensity .5 to 1: what is labelled present can be seen."""
    active = {au: float(random.uniform(0.5, 1)) for au, rate in often.items() if random.random() < rate}
    for strong, weak in OPPOSED:
        if strong in active:
            active.pop(weak, None)
    return active


def make(folder: Path, order: Order) -> Row:
    """One picture, and its line of the table."""
    identity = draw_identity(order.identity)
    face = synthesize(order.seed, order.aus, identity, scale=order.scale)
    write_png(folder / order.name, face.image)
    labels = {au: int(intensity > 0) for au, intensity in face.aus.items()}
    return row(order.name, face.landmarks, labels, f"synthetic-{order.person:05}", order.split)


def prepare_synthetic(
    folder: Path,
    count: int,
    people: int,
    *,
    seed: int = 0,
    rates: str = "balanced",
    scale: float = 2.9,
    processes: int | None = None,
    report: Callable[[int, int], None] = lambda done, total: None,
) -> None:
    """Fill a face folder; interrupted, the same call goes on.

    Raises:
        UserError: fewer than 3 people or fewer faces than people, unknown rates, a folder of something else.
    """
    if people < 3 or count < people:
        raise UserError(
            f"{count} faces of {people} people", "at least 3 people, for three splits, and a face of each of them"
        )
    said = {"synthetic": VERSION, "count": count, "people": people, "seed": seed, "rates": rates, "scale": scale}
    tasks = orders(count, people, seed, rates, scale)
    fill(folder, tasks, make, said=said, processes=processes, report=report)
