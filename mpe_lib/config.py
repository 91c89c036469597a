"""Everything that can be chosen: a frozen dataclass for the network, one for its training, and the presets."""

import dataclasses
import difflib
import json
import math
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Literal, get_args, get_origin, get_type_hints

from mpe_lib.errors import UserError

# The action units that each data set labels, in channel order (Sec. 4.1).
AU_SETS: dict[str, tuple[int, ...]] = {
    "bp4d": (1, 2, 4, 6, 7, 10, 12, 14, 15, 17, 23, 24),
    "disfa": (1, 2, 4, 6, 9, 12, 25, 26),
}
AUS = (1, 2, 4, 6, 7, 9, 10, 12, 14, 15, 17, 23, 24, 25, 26)  # all that mpe_lib.au knows a place for


@dataclass(frozen=True)
class NetConfig:
    """The network. The sizes are those of `base`; the ablations of Table 4 are switches."""

    channels: int = 48  # C, feature channels of the SR branch (Sec. 3.1)
    groups: int = 6  # G, projection groups of the feedback block (Sec. 3.1)
    body_scale: Literal[2, 4, 8] = 4  # the feedback block works at this many times 32 x 32
    iterations: int = 3  # recurrent steps
    hourglass_width: int = 128  # W, channels of the alignment branch
    au_width: float = 1.0  # multiplies the channels of ResNet-18
    aus: tuple[int, ...] = AU_SETS["disfa"]  # the action units, in channel order
    use_landmarks: bool = True  # heatmaps of step 1's output enter step 2
    use_aus: bool = True  # probabilities of step 2's output enter step 3
    use_attention: bool = True  # ... times the attention maps of the landmarks
    carry_landmarks: bool = False  # heatmaps enter step 3 too
    detach_priors: bool = False  # stop the gradient that flows through the priors
    init: Literal["zero", "paper"] = "zero"  # last layers at zero, or all layers plain Kaiming
    face_scale: float = 2.9  # side of the aligned square over the extent of the inner face (faces.align)

    def __post_init__(self) -> None:
        _choices(self, "net")
        needs = 3 if self.use_aus else 2 if self.use_landmarks else 1
        if self.iterations < needs:
            raise UserError(
                f"iterations={self.iterations} is too few: landmarks enter at step 2 and AUs at step 3",
                f"use at least {needs}, or switch off use_landmarks and use_aus",
            )
        if self.use_attention and not (self.use_aus and self.use_landmarks):
            raise UserError(
                "use_attention=True needs the AUs that it weights and the landmarks that place it",
                "switch on use_aus and use_landmarks, or switch off use_attention",
            )
        if self.carry_landmarks and not self.use_landmarks:
            raise UserError("carry_landmarks=True needs landmarks", "switch on use_landmarks")
        if self.use_aus and (not self.aus or len(set(self.aus)) < len(self.aus)):
            raise UserError(f"aus={self.aus} must name at least one action unit, each once", "see mpe_lib.au")
        unknown = set(self.aus) - set(AUS)
        if unknown:
            raise UserError(f"aus={self.aus}: AU{min(unknown)} has no place on the face", f"known: {AUS}")
        _at_least(self, "net", {"channels": 1, "groups": 1, "hourglass_width": 4, "au_width": 0.02, "face_scale": 1})


@dataclass(frozen=True)
class TrainConfig:
    """The training. The defaults are the paper's schedule (Sec. 4.2) with a jitter of the scale, which is ours."""

    updates: int = 50_000  # optimiser steps; two epochs of about 100,000 faces at batch 4
    batch: int = 4  # faces in an update, over all processes together
    lr: float = 1e-4  # of Adam, betas .9 and .999, eps 1e-8
    schedule: Literal["constant", "cosine"] = "constant"
    warmup: int = 0  # updates of linear rise before it
    average: float = 0.0  # decay of the exponential average of the weights; 0: no average
    clip: float = 0.0  # largest gradient norm; 0: no limit
    lambda_align: float = 0.1  # Eq. 13
    lambda_au: float = 0.01  # Eq. 13
    lambda_per: float = 0.0  # Eq. 13; above 0 the features of the last picture count: MPEGAN
    lambda_adv: float = 0.0  # Eq. 13; above 0 a discriminator learns beside it: MPEGAN
    discriminator_width: float = 1.0  # multiplies its channels
    features: Literal["vggface", "own"] = "vggface"  # whose features: the paper's, or those that come with mpe_lib
    scale_jitter: float = 0.08  # a face is trained on at (1 +- this) times its size
    precision: Literal["fp32", "bf16"] = "fp32"
    recompute: bool = False  # forget what happens inside a step, and compute it again for the gradient
    compile: bool = False  # by torch.compile, which takes a minute first
    seed: int = 0
    workers: int = 0  # data-loading processes
    log_every: int = 10  # updates between lines of metrics.jsonl
    validate_every: int = 500
    validate_faces: int = 64  # at most, evenly spaced over the val split
    save_every: int = 500

    def __post_init__(self) -> None:
        _choices(self, "train")
        counts = {"updates", "batch", "log_every", "validate_every", "validate_faces", "save_every"}
        names = [f.name for f in dataclasses.fields(self) if f.type in (int, float)]
        _at_least(self, "train", {name: 1 if name in counts else 0 for name in names})
        for name in ("average", "scale_jitter"):
            if getattr(self, name) >= 1:
                raise UserError(f"train.{name}={getattr(self, name)} is not below 1", _example(f"train.{name}"))


@dataclass(frozen=True)
class Config:
    """A network and how it is trained."""

    net: NetConfig = field(default_factory=NetConfig)
    train: TrainConfig = field(default_factory=TrainConfig)

    def to_dict(self) -> dict[str, Any]:
        """Plain types only, as JSON holds them."""
        return json.loads(json.dumps(dataclasses.asdict(self)))

    @classmethod
    def from_dict(cls, values: Any) -> "Config":
        """The inverse of `to_dict`, a table of tables; absent fields take their defaults.

        Raises:
            UserError: an unknown field or a value of the wrong type, with the near misses named.
        """
        if not isinstance(values, Mapping):
            raise UserError(f"{values!r:.40} is no config", "a table with the parts net and train")
        flat = [
            (f"{part}.{name}", value)
            for part, fields in values.items()
            for name, value in _mapping(part, fields).items()
        ]
        return cls().replace(dict(flat))

    def replace(self, changes: Mapping[str, Any]) -> "Config":
        """A copy with the fields of `changes` set, named as in `train.lr`; values may be text.

        Raises:
            UserError: an unknown field or a value of the wrong type, with the near misses named.
        """
        new: dict[str, dict[str, Any]] = {"net": {}, "train": {}}
        known = [f"{part}.{f.name}" for part in new for f in dataclasses.fields(getattr(self, part))]
        for path, value in changes.items():
            if path not in known:
                raise UserError(f"unknown field '{path}'", near(path, known))
            part, name = path.split(".")
            kind = get_type_hints(type(getattr(self, part)))[name]
            new[part][name] = _parse(path, kind, value)
        return Config(dataclasses.replace(self.net, **new["net"]), dataclasses.replace(self.train, **new["train"]))


def preset(name: str) -> Config:
    """The preset of that name: tiny, small, base or paper, and for MPEGAN mpegan or mpegan-small.

    Raises:
        UserError: no such preset, with the near misses named.
    """
    if name not in PRESETS:
        raise UserError(f"unknown preset '{name}'", near(name, PRESETS))
    return PRESETS[name]


def near(name: str, known: Iterable[str]) -> str:
    """The remedy for a misspelt name: the nearest known ones, or all of them."""
    known = list(known)
    close = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    return f"did you mean {' or '.join(close)}?" if close else f"known: {', '.join(known)}"


def _mapping(part: str, fields: Any) -> Mapping[str, Any]:
    if part not in ("net", "train") or not isinstance(fields, Mapping):
        raise UserError(f"'{part}' is no part of a config", "its parts are net and train, each a table of fields")
    return fields


def _parse(path: str, kind: Any, value: Any) -> Any:
    """`value` as the field's type, read from text where it is text."""
    if path == "net.aus":
        return _parse_aus(value)
    if isinstance(value, str) and kind is not str:
        with suppress(ValueError):  # a word stays one: a choice, or wrong
            value = float(value) if kind is float else json.loads(value.lower() if kind is bool else value)
    if get_origin(kind) is Literal:
        return value  # checked when the config is made
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if type(value) is not kind or (isinstance(value, float) and not math.isfinite(value)):
        raise UserError(f"{path}={value!r} is not a {kind.__name__}", _example(path))
    return value


def _parse_aus(value: Any) -> tuple[int, ...]:
    """A set's name, or numbers: '1,2,4', [1, 2, 4]."""
    if isinstance(value, str) and value in AU_SETS:
        return AU_SETS[value]
    numbers = value.split(",") if isinstance(value, str) else value
    try:
        return tuple(int(number) for number in numbers)
    except (TypeError, ValueError):
        raise UserError(f"net.aus={value!r} names no action units", "bp4d, disfa, or numbers as in 1,2,4") from None


def _choices(config: Any, part: str) -> None:
    for name, kind in get_type_hints(type(config)).items():
        value = getattr(config, name)
        if get_origin(kind) is Literal and (value not in get_args(kind) or isinstance(value, bool)):
            known = ", ".join(map(str, get_args(kind)))
            raise UserError(f"{part}.{name}={value!r} is not a choice", f"one of {known}")


def _at_least(config: Any, part: str, lowest: Mapping[str, float]) -> None:
    for name, bound in lowest.items():
        if getattr(config, name) < bound:
            path = f"{part}.{name}"
            raise UserError(f"{path}={getattr(config, name)} is below {bound}", _example(path))


def _example(path: str) -> str:
    """A value that is right: the default."""
    part, name = path.split(".")
    kind = {"net": NetConfig, "train": TrainConfig}[part]
    return f"for example --set {path}={getattr(kind, name)}"


# The rows of Table 4: what each network has, as changes to a config. All three branches are the paper's MPENet.
ABLATIONS: dict[str, dict[str, bool]] = {
    "baseline": {"net.use_landmarks": False, "net.use_aus": False, "net.use_attention": False},
    "+landmarks": {"net.use_landmarks": True, "net.use_aus": False, "net.use_attention": False},
    "+AUs": {"net.use_landmarks": True, "net.use_aus": True, "net.use_attention": False},
    "+attention maps": {"net.use_landmarks": True, "net.use_aus": True, "net.use_attention": True},
}

# At the paper's .01 the action units' gradient in the SR branch is, early on, 7 times that of the pictures.
_LAMBDA_AU = 3e-4

_MPEGAN = {"train.lambda_per": 0.1, "train.lambda_adv": 0.001}  # the paper's weights of the two new terms (Sec. 4.2)

# Through the priors, the pictures' gradient in the alignment branch is 7 times that of the landmarks: in all
# but `paper` the priors are detached, so that each branch learns what it is named after.
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
        ),
    ),
    # the paper's network and schedule; init="paper" would add its probable initialisation
    "paper": Config(NetConfig(body_scale=8, hourglass_width=256, aus=AU_SETS["bp4d"]), TrainConfig(scale_jitter=0)),
}
# MPEGAN goes on from an MPENet of the same size.
PRESETS["mpegan"] = PRESETS["paper"].replace(_MPEGAN)
PRESETS["mpegan-small"] = PRESETS["small"].replace(
    _MPEGAN
    | {
        "train.updates": 2000,
        "train.lr": 1e-4,
        "train.schedule": "constant",
        "train.warmup": 0,
        "train.average": 0.99,
        "train.discriminator_width": 0.5,
        "train.features": "own",
    }
)
