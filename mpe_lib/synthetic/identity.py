"""Who a synthetic person is: everything that stays when the face moves."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeVar

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Hair = Literal["short", "side", "long", "bob", "bun", "curly", "buzz", "bald"]
Beard = Literal["none", "stubble", "moustache", "goatee", "full"]
Glasses = Literal["none", "round", "square", "thin"]
T = TypeVar("T", bound=str)
Colour = tuple[float, float, float]  # linear RGB, the share of the light that is sent back


def linear(srgb: NDArray[np.float64]) -> NDArray[np.float64]:
    """sRGB in [0, 1] -> linear light."""
    return np.where(srgb < 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)


# The ten steps of the Monk Skin Tone scale (Monk 2022), as warm as living skin in daylight: sRGB.
TONES = linear(
    np.array(
        [
            (250, 220, 207), (245, 209, 193), (238, 197, 178), (226, 181, 159), (206, 158, 135),
            (178, 130, 109), (146, 105, 87), (111, 78, 64), (80, 56, 48), (58, 43, 38),
        ]
    )
    / 255
)  # fmt: skip
HAIR_COLOURS: tuple[Colour, ...] = (
    (0.035, 0.028, 0.025),  # black
    (0.07, 0.045, 0.032),
    (0.16, 0.095, 0.055),
    (0.30, 0.19, 0.10),
    (0.58, 0.43, 0.25),  # blond
    (0.36, 0.13, 0.05),  # red
)
IRIS_COLOURS: tuple[Colour, ...] = (
    (0.10, 0.055, 0.03),  # dark brown
    (0.20, 0.11, 0.05),
    (0.22, 0.25, 0.12),  # green
    (0.20, 0.32, 0.42),  # blue
    (0.36, 0.40, 0.42),  # grey
)


@dataclass(frozen=True)
class Identity:
    """A person. Proportions are relative: 0 is the average face, +-1 far from it."""

    seed: int  # of what is strewn over this face: pores, freckles, strands of hair
    age: float  # years, 18 to 80
    masculine: float  # 0 to 1: jaw, brow, hair
    tone: float  # of the skin, 0 to 9 on the Monk scale
    width: float
    length: float
    jaw: float
    chin: float
    cheeks: float
    eye_size: float
    eye_tilt: float
    eye_depth: float
    lid_fold: float  # 0 to 1, how far the crease of the upper lid lies above it
    brow_height: float
    brow_arch: float
    brow_weight: float
    nose_width: float
    nose_length: float
    nose_bridge: float
    mouth_width: float
    mouth_height: float
    lip_upper: float
    lip_lower: float
    iris: Colour
    hair: Hair
    hair_colour: Colour
    hair_part: float  # -1 to 1, where it is parted
    hairline: float
    beard: Beard
    glasses: Glasses
    freckles: float  # 0 to 1
    make_up: float  # 0 to 1

    @property
    def skin(self) -> NDArray[np.float64]:
        """Mean colour of the skin, linear RGB."""
        step = int(min(self.tone, len(TONES) - 1.001))
        return TONES[step] + (TONES[step + 1] - TONES[step]) * (self.tone - step)

    @property
    def wrinkled(self) -> float:
        """0 until 35, 1 from 75."""
        return float(np.clip((self.age - 35) / 40, 0, 1))


def draw_identity(seed: int) -> Identity:
    """A person at random, the same for the same seed."""
    random = np.random.default_rng((seed, 1))
    masculine = float(np.clip(random.choice([0.1, 0.9], p=[0.45, 0.55]) + random.normal(0, 0.12), 0, 1))
    age = float(18 + 64 * random.beta(0.9, 1.7))
    tone = float(9 * random.beta(1.2, 2.0))
    man, m = masculine > 0.5, masculine - 0.5

    def relative(shift: float = 0) -> float:
        return float(np.clip(random.normal(0, 0.55), -1.2, 1.2) + shift)

    return Identity(
        seed=seed,
        age=age,
        masculine=masculine,
        tone=tone,
        width=relative(),
        length=relative(0.15 * m),
        jaw=relative(0.7 * m),
        chin=relative(),
        cheeks=relative(),
        eye_size=relative(-0.5 * m),
        eye_tilt=relative(),
        eye_depth=relative(),
        lid_fold=float(random.uniform(0.15, 1)),
        brow_height=relative(-0.6 * m),
        brow_arch=relative(-0.6 * m),
        brow_weight=relative(0.9 * m),
        nose_width=relative(0.3 * m + 0.5 * (tone > 5.5)),
        nose_length=relative(),
        nose_bridge=relative(0.3 * m),
        mouth_width=relative(),
        mouth_height=relative(),
        lip_upper=relative(-0.6 * m + 0.5 * (tone > 6)),
        lip_lower=relative(-0.4 * m + 0.4 * (tone > 6)),
        iris=_colour(random, IRIS_COLOURS, (0.75, 0.25, 0, 0, 0) if tone > 4.5 else (0.15, 0.3, 0.18, 0.25, 0.12)),
        hair=_hair(random, man, age),
        hair_colour=_hair_colour(random, tone, age),
        hair_part=float(random.uniform(-0.8, 0.8)),
        hairline=relative(0.8 * max(0.0, (age - 45) / 35) * man),
        beard=_choose(
            random, {"none": 42, "stubble": 25, "moustache": 8, "goatee": 9, "full": 16} if man else {"none": 1}
        ),
        glasses=_choose(random, {"none": 84, "round": 5, "square": 6, "thin": 5}),
        freckles=float(np.clip(random.normal(-0.3, 0.6), 0, 1)) * (tone < 4.5),
        make_up=float(random.uniform(0, 1)) * (not man),
    )


def _choose(random: Generator, weights: Mapping[T, float]) -> T:
    """One of the keys, as often as its weight says."""
    share = np.array(list(weights.values()))
    return list(weights)[random.choice(len(weights), p=share / share.sum())]


def _hair(random: Generator, man: bool, age: float) -> Hair:
    if not man:
        return _choose(random, {"long": 42, "bob": 22, "bun": 18, "curly": 14, "side": 4})
    bald = 5 + 15 * (age > 50)
    return _choose(random, {"short": 40, "side": 28, "buzz": 12, "curly": 11, "long": 3, "bald": bald})


def _colour(random: Generator, colours: tuple[Colour, ...], weights: tuple[float, ...]) -> Colour:
    r, g, b = np.array(colours[random.choice(len(colours), p=weights)]) * random.uniform(0.8, 1.25)
    return float(r), float(g), float(b)


def _hair_colour(random: Generator, tone: float, age: float) -> Colour:
    weights = (0.75, 0.22, 0.03, 0, 0, 0) if tone > 4.5 else (0.26, 0.28, 0.22, 0.11, 0.09, 0.04)
    natural = np.array(_colour(random, HAIR_COLOURS, weights))
    grey = np.clip((age - 44 + random.normal(0, 8)) / 30, 0, 1) ** 1.3
    r, g, b = natural + grey * (np.array([0.72, 0.70, 0.68]) - natural)
    return float(r), float(g), float(b)
