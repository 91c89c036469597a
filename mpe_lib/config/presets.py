"""The presets: networks by name, each with its schedule; and the ablations of Table 4."""

from typing import Any

from mpe_lib.config.fields import near
from mpe_lib.config.net import NetConfig
from mpe_lib.config.published import COMPARED, SHORT_GAN
from mpe_lib.config.run import Config
from mpe_lib.config.training import TrainConfig
from mpe_lib.config.units import AU_SETS
from mpe_lib.errors import UserError


def preset(name: str) -> Config:
    """The preset of that name: tiny, small, base or paper; mpegan or mpegan-small; or that of another system.

    Raises:
        UserError: no such preset, with the near misses named.
    """
    if name not in PRESETS:
        raise UserError(f"unknown preset '{name}'", near(name, PRESETS))
    return PRESETS[name]


#: The rows of Table 4: what each network has, as changes to a config. All three branches are the paper's MPENet.
ABLATIONS: dict[str, dict[str, bool]] = {
    "baseline": {"net.use_landmarks": False, "net.use_aus": False, "net.use_attention": False},
    "+landmarks": {"net.use_landmarks": True, "net.use_aus": False, "net.use_attention": False},
    "+AUs": {"net.use_landmarks": True, "net.use_aus": True, "net.use_attention": False},
    "+attention maps": {"net.use_landmarks": True, "net.use_aus": True, "net.use_attention": True},
}

#: What else could have been chosen, as changes to the full network.
VARIATIONS: dict[str, dict[str, Any]] = {
    "landmarks carried": {"net.carry_landmarks": True},
    "merged heatmaps": {"net.merge_landmarks": True},
    "L1": {"train.error": "l1"},
    "no Dice": {"train.dice": False},
    "no AU loss": {"train.lambda_au": 0.0},  # the maps are there, and nobody has taught the units
}

# At the paper's .01 the action units' gradient in the SR branch is, early on, 7 times that of the pictures.
_LAMBDA_AU = 3e-4

_MPEGAN = {"train.lambda_per": 0.1, "train.lambda_adv": 0.001}  # the paper's weights of the two new terms (Sec. 4.2)

#: Networks with their trainings. Through the priors, the pictures' gradient in the alignment branch is 7 times that of
#: the landmarks: in all but `paper` the priors are detached, so that each branch learns what it is named after.
PRESETS: dict[str, Config] = {
    # trains visibly in a minute on 2 cores: tests and lessons
    "tiny": Config(
        NetConfig(channels=16, groups=3, hourglass_width=32, au_width=0.25, detach_priors=True),
        TrainConfig(
            updates=300,
            batch=8,
            lr=1e-3,
            schedule="cosine",
            warmup=20,
            average=0.98,
            clip=1.0,
            lambda_au=_LAMBDA_AU,
        ),
    ),
    # a face in a tenth of a second on 2 cores: the shipped weights
    "small": Config(
        NetConfig(channels=32, groups=4, hourglass_width=64, au_width=0.5, detach_priors=True),
        TrainConfig(
            updates=6400,
            lr=7e-4,
            schedule="cosine",
            warmup=100,
            average=0.998,
            clip=1.0,
            lambda_au=_LAMBDA_AU,
        ),
    ),
    # a GPU in minutes, a laptop for inference
    "base": Config(
        NetConfig(detach_priors=True),
        TrainConfig(
            updates=20_000,
            batch=32,
            lr=4e-4,
            schedule="cosine",
            warmup=500,
            average=0.999,
            clip=1.0,
            lambda_au=_LAMBDA_AU,
            precision="bf16",
            graph=True,
        ),
    ),
    # the paper's network and schedule; init="paper" would add its probable initialisation
    "paper": Config(NetConfig(body_scale=8, hourglass_width=256, aus=AU_SETS["bp4d"]), TrainConfig(scale_jitter=0)),
}
# MPEGAN goes on from an MPENet of the same size.
PRESETS["mpegan"] = PRESETS["paper"].replace(_MPEGAN)
PRESETS["mpegan-small"] = PRESETS["small"].replace(_MPEGAN | SHORT_GAN)
PRESETS.update(COMPARED)
