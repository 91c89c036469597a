"""What each action unit does to a face: pulls on the surface, furrows in it, and the apertures of lids and lips.

Positions are in the canonical face: x to the right, y down, z towards the viewer, the unit is the distance
between the pupils, (0, 0) lies between them. What is written for the right half of the picture is mirrored.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Pull:
    """A Gaussian patch of skin that moves by `by` at full intensity."""

    at: tuple[float, float]
    spread: tuple[float, float]
    by: tuple[float, float, float]

    @property
    def sides(self) -> tuple[int, ...]:
        """1 for the right half of the picture, -1 for the left; a patch on the middle line has one side."""
        return (1, -1) if self.at[0] else (1,)


@dataclass(frozen=True)
class Furrow:
    """A fold along a line, `depth` deep at full intensity (negative: a ridge), `width` wide."""

    line: tuple[tuple[float, float], ...]
    depth: float
    width: float


@dataclass(frozen=True)
class Action:
    """One action unit."""

    pulls: tuple[Pull, ...] = ()
    furrows: tuple[Furrow, ...] = ()
    upper_lid: float = 0  # added to the opening of the upper lid, 1 being the rest
    lower_lid: float = 0
    gap: float = 0  # lips apart at the middle, in units
    fullness: float = 0  # of the visible lips, relative


ACTIONS: dict[int, Action] = {
    1: Action(
        (Pull((0.20, -0.31), (0.20, 0.20), (0, -0.16, 0)),),
        (
            Furrow(((0, -0.63), (0.25, -0.65), (0.45, -0.60)), 0.030, 0.035),
            Furrow(((0, -0.82), (0.25, -0.84), (0.45, -0.78)), 0.024, 0.035),
        ),
        upper_lid=0.06,
    ),
    2: Action(
        (Pull((0.76, -0.31), (0.25, 0.20), (0, -0.17, 0)),),
        (
            Furrow(((0.38, -0.68), (0.65, -0.70), (0.88, -0.57)), 0.028, 0.035),
            Furrow(((0.38, -0.85), (0.62, -0.87), (0.84, -0.74)), 0.022, 0.035),
        ),
        upper_lid=0.06,
    ),
    4: Action(
        (Pull((0.24, -0.25), (0.24, 0.17), (-0.075, 0.13, 0.02)), Pull((0.60, -0.31), (0.22, 0.16), (0, 0.07, 0))),
        (
            Furrow(((0.085, -0.37), (0.07, -0.23), (0.09, -0.16)), 0.075, 0.030),
            Furrow(((0.14, -0.14), (0, -0.10)), 0.02, 0.03),
        ),
    ),
    5: Action((Pull((0.50, -0.15), (0.20, 0.06), (0, -0.02, 0)),), upper_lid=0.55),
    6: Action(
        (Pull((0.62, 0.32), (0.26, 0.17), (0, -0.11, 0.09)), Pull((0.86, 0.02), (0.14, 0.14), (-0.04, 0, 0))),
        (
            Furrow(((0.80, 0.00), (0.95, -0.09)), 0.055, 0.030),
            Furrow(((0.81, 0.04), (1.00, 0.03)), 0.055, 0.030),
            Furrow(((0.80, 0.08), (0.97, 0.15)), 0.055, 0.030),
            Furrow(((0.28, 0.16), (0.50, 0.22), (0.76, 0.15)), 0.050, 0.035),
        ),
        lower_lid=-0.20,
    ),
    7: Action(
        (Pull((0.50, 0.10), (0.24, 0.07), (0, -0.02, 0.04)),),
        (Furrow(((0.30, 0.12), (0.50, 0.16), (0.70, 0.12)), 0.065, 0.032),),
        upper_lid=-0.55,
        lower_lid=-0.90,
    ),
    9: Action(
        (
            Pull((0.15, 0.25), (0.14, 0.20), (0, -0.08, 0.03)),
            Pull((0.20, 0.66), (0.12, 0.12), (0.015, -0.10, 0)),
            Pull((0.22, -0.21), (0.2, 0.12), (-0.03, 0.07, 0)),
            Pull((0.16, 1.00), (0.2, 0.08), (0, -0.06, 0)),
        ),
        (
            Furrow(((0.10, 0.02), (0.20, 0.12)), 0.055, 0.026),
            Furrow(((0.11, 0.12), (0.23, 0.22)), 0.055, 0.026),
            Furrow(((0, -0.06), (0.12, -0.04)), 0.050, 0.026),
            Furrow(((0.26, 0.64), (0.36, 0.82)), 0.03, 0.03),
        ),
        upper_lid=-0.05,
        lower_lid=-0.15,
    ),
    10: Action(
        (
            Pull((0.17, 1.00), (0.17, 0.10), (0, -0.13, 0.01)),
            Pull((0.33, 0.76), (0.14, 0.14), (0, -0.06, 0.03)),
            Pull((0.2, 0.66), (0.1, 0.1), (0.015, -0.035, 0)),
        ),
        (Furrow(((0.25, 0.62), (0.40, 0.78), (0.50, 1.03)), 0.060, 0.042),),
        gap=0.05,
    ),
    12: Action(
        (
            Pull((0.43, 1.09), (0.20, 0.18), (0.125, -0.15, 0)),
            Pull((0.66, 0.52), (0.25, 0.20), (0.03, -0.06, 0.12)),
            Pull((0, 1.06), (0.30, 0.16), (0, -0.05, 0)),
        ),
        (
            Furrow(((0.28, 0.65), (0.49, 0.80), (0.63, 1.06), (0.60, 1.21)), 0.070, 0.045),
            Furrow(((0.52, 1.15), (0.50, 1.23)), 0.02, 0.03),
        ),
        lower_lid=-0.06,
        fullness=-0.10,
    ),
    14: Action(
        (
            Pull((0.44, 1.11), (0.13, 0.13), (0.09, -0.005, -0.12)),
            Pull((0.66, 1.09), (0.10, 0.20), (-0.02, 0, 0.09)),
            Pull((0, 1.11), (0.28, 0.12), (0, 0, -0.03)),
        ),
        (
            Furrow(((0.50, 0.95), (0.555, 1.11), (0.50, 1.27)), 0.17, 0.055),
            Furrow(((0.42, 1.11), (0.54, 1.11)), 0.09, 0.045),
        ),
        fullness=-0.22,
    ),
    15: Action(
        (Pull((0.42, 1.13), (0.16, 0.13), (0.01, 0.125, 0.01)),),
        (Furrow(((0.45, 1.17), (0.52, 1.33)), 0.04, 0.035), Furrow(((0, 1.41), (0.2, 1.43)), 0.02, 0.04)),
    ),
    17: Action(
        (Pull((0, 1.57), (0.26, 0.14), (0, -0.13, 0.08)), Pull((0, 1.23), (0.20, 0.10), (0, -0.085, 0.03))),
        (
            Furrow(((0, 1.41), (0.18, 1.45), (0.27, 1.55)), 0.10, 0.040),
            Furrow(((0.07, 1.55), (0.09, 1.61)), 0.045, 0.026),
            Furrow(((0.15, 1.61), (0.14, 1.67)), 0.045, 0.026),
            Furrow(((0.02, 1.65), (0.04, 1.71)), 0.045, 0.026),
        ),
        fullness=-0.06,
    ),
    20: Action(
        (Pull((0.44, 1.13), (0.19, 0.15), (0.13, 0.035, 0)), Pull((0.6, 1.20), (0.2, 0.2), (0.05, 0.02, 0))),
        (Furrow(((0.60, 1.05), (0.63, 1.17), (0.58, 1.31)), 0.035, 0.04),),
        fullness=-0.18,
    ),
    23: Action(
        (Pull((0.40, 1.11), (0.14, 0.12), (-0.075, 0, 0)), Pull((0, 1.11), (0.30, 0.16), (0, 0, 0.03))),
        (
            Furrow(((0, 0.90), (0.18, 0.91), (0.30, 0.97)), 0.04, 0.03),
            Furrow(((0, 1.33), (0.18, 1.31), (0.30, 1.25)), 0.04, 0.03),
            Furrow(((0.08, 0.82), (0.09, 0.93)), 0.045, 0.020),
            Furrow(((0.19, 0.84), (0.22, 0.95)), 0.045, 0.020),
        ),
        fullness=-0.55,
    ),
    24: Action(
        (Pull((0, 0.95), (0.3, 0.07), (0, 0.025, 0.035)), Pull((0, 1.30), (0.3, 0.08), (0, -0.03, 0.035))),
        (Furrow(((0.36, 1.11), (0.47, 1.13)), 0.03, 0.03),),
        gap=-0.08,
        fullness=-0.58,
    ),
    25: Action((Pull((0, 1.02), (0.22, 0.07), (0, -0.015, 0)), Pull((0, 1.23), (0.24, 0.10), (0, 0.035, 0))), gap=0.18),
    26: Action(
        (
            Pull((0, 1.25), (0.30, 0.12), (0, 0.07, 0)),
            Pull((0, 1.67), (0.75, 0.38), (0, 0.24, 0)),
            Pull((0.75, 1.05), (0.2, 0.4), (-0.02, 0.03, -0.03)),
        ),
        (),
        gap=0.17,
    ),
    43: Action((Pull((0.50, -0.13), (0.22, 0.07), (0, 0.02, 0)),), upper_lid=-1.3),
}
