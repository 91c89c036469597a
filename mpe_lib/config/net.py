"""MPENet's config: its sizes, and the switches of Table 4."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from mpe_lib.config.fields import at_least, choices, small_enough
from mpe_lib.config.units import AU_SETS, AUS
from mpe_lib.errors import UserError


@dataclass(frozen=True)
class NetConfig:
    """The network. The sizes are those of `base`; the ablations of Table 4 are switches."""

    system: ClassVar[str] = "mpenet"
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
    merge_landmarks: bool = False  # heatmaps enter as five regions of the face, as DIC has them
    detach_priors: bool = False  # stop the gradient that flows through the priors
    init: Literal["zero", "paper"] = "zero"  # last layers at zero, or all layers plain Kaiming
    face_scale: float = 2.9  # side of the aligned square over the extent of the inner face (faces.align)

    def __post_init__(self) -> None:
        choices(self, "net")
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
        for name in ("carry_landmarks", "merge_landmarks"):
            if getattr(self, name) and not self.use_landmarks:
                raise UserError(f"{name}=True needs landmarks", "switch on use_landmarks")
        if self.use_aus:
            each_once(self.aus)
        known_units(self.aus)
        at_least(self, "net", {"channels": 1, "groups": 1, "hourglass_width": 4, "au_width": 0.02, "face_scale": 1})
        small_enough(self, "net")


def each_once(aus: tuple[int, ...]) -> None:
    """There are action units, each once.

    Raises:
        UserError: there is none, or one twice.
    """
    if not aus or len(set(aus)) < len(aus):
        raise UserError(f"aus={aus} must name at least one action unit, each once", "see mpe_lib.au")


def known_units(aus: tuple[int, ...]) -> None:
    """Action units have places on the face.

    Raises:
        UserError: one has none.
    """
    unknown = set(aus) - set(AUS)
    if unknown:
        raise UserError(f"aus={aus}: AU{min(unknown)} has no place on the face", f"known: {AUS}")
