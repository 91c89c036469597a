"""How long the playground takes to answer, from a moved slider to the page: python benchmarks/playground.py.

Without the browser and the connection to it, which take some 50 ms more on the same machine. Each is the median of
several answers; the bound is half a second, with `small` on two threads.
"""

import statistics
import time
from collections.abc import Callable, Iterator

import torch

from mpe_lib.machine import describe
from mpe_lib.playground import COMPARE, EXPLAIN, RESTORE, STEER, Playground
from mpe_lib.playground.controls import ASTRONAUT, PERSON

TIMES, BOUND = 7, 0.5  # seconds


def answers(move: Callable[[float], None]) -> Iterator[float]:
    for number in range(TIMES + 1):
        start = time.perf_counter()
        move(number / 10)
        if number:  # the first warms up
            yield time.perf_counter() - start


def moved(control: object, most: float) -> Callable[[float], None]:
    """A slider that goes through its range."""
    return lambda share: setattr(control, "value", round(most * share, 2))


torch.set_num_threads(2)
print(describe())
playground = Playground("small")
face, steering = playground.face, playground.steering
print(f"{'view':9}{'face':21}{'what moves':24}{'seconds':>8}{'bound':>7}")
for source in (ASTRONAUT, PERSON):
    for view, name, control, most in (
        (RESTORE, "noise", playground.small.noise, 40),
        (STEER, "a unit", None, 1),
        (STEER, "twenty landmarks", steering.right, 20),
        (EXPLAIN, "noise", playground.small.noise, 40),
        (COMPARE, "the line", playground.wipe, 100),
        *(((RESTORE, "a muscle", face.muscles[12], 1),) if source == PERSON else ()),
    ):
        playground.view.value, face.source.value = view, source
        taken = statistics.median(answers(moved(control or steering.units[12], most)))
        print(f"{view:9}{source:21}{name:24}{taken:8.2f}{BOUND:7.1f}")
