"""The configs of the systems that MPENet is compared with. The sizes are those that were published."""

import dataclasses
from dataclasses import dataclass
from typing import ClassVar, Literal

from mpe_lib.config.fields import at_least, choices, small_enough
from mpe_lib.config.net import NetConfig, each_once, known_units
from mpe_lib.config.units import AU_SETS
from mpe_lib.errors import UserError


@dataclass(frozen=True)
class Compared:
    """What all of them have: they know no action units, and most no landmarks either."""

    system: ClassVar[str]
    aus: ClassVar[tuple[int, ...]] = ()
    use_aus: ClassVar[bool] = False
    use_landmarks: ClassVar[bool] = False
    face_scale: float = 2.9  # as MPENet's

    def __post_init__(self) -> None:
        choices(self, "net")
        at_least(self, "net", {field.name: 1 for field in dataclasses.fields(self)})
        small_enough(self, "net")


@dataclass(frozen=True)
class SRCNNConfig(Compared):
    """Dong et al. 2014."""

    system: ClassVar[str] = "srcnn"
    iterations: ClassVar[int] = 1
    width: int = 64  # of the first layer; the second has half of it

    def __post_init__(self) -> None:
        super().__post_init__()
        at_least(self, "net", {"width": 2})


@dataclass(frozen=True)
class VDSRConfig(Compared):
    """Kim et al. 2016."""

    system: ClassVar[str] = "vdsr"
    iterations: ClassVar[int] = 1
    width: int = 64
    depth: int = 20  # convs


@dataclass(frozen=True)
class WaveletConfig(Compared):
    """Wavelet-SRNet, Huang et al. 2017."""

    system: ClassVar[str] = "wavelet"
    iterations: ClassVar[int] = 1
    width: int = 64  # of the first blocks; the last have sixteen times as many channels
    blocks: int = 2  # in each of the five groups of the embedding
    band_width: int = 32  # channels for each sub-band


@dataclass(frozen=True)
class SRFBNConfig(Compared):
    """Li et al. 2019."""

    system: ClassVar[str] = "srfbn"
    channels: int = 64
    groups: int = 6
    iterations: int = 4


@dataclass(frozen=True)
class DICConfig(Compared):
    """Ma et al. 2020; DICGAN is the same network, trained otherwise."""

    system: ClassVar[str] = "dic"
    use_landmarks: ClassVar[bool] = True
    channels: int = 48
    groups: int = 6
    body_scale: Literal[2, 4, 8] = 8
    iterations: int = 4
    hourglass_width: int = 256
    fusion_blocks: int = 7

    def __post_init__(self) -> None:
        super().__post_init__()
        at_least(self, "net", {"hourglass_width": 8})


@dataclass(frozen=True)
class SISNConfig(Compared):
    """Lu et al. 2021."""

    system: ClassVar[str] = "sisn"
    iterations: ClassVar[int] = 1
    channels: int = 64  # a multiple of the radix
    groups: int = 10
    blocks: int = 10  # in a group
    radix: Literal[2, 4, 8] = 4  # versions that attention chooses from

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.channels % self.radix:
            raise UserError(
                f"net.channels={self.channels} is no multiple of net.radix={self.radix}",
                f"as in net.channels={-(-self.channels // self.radix) * self.radix}",
            )


@dataclass(frozen=True)
class JudgeConfig:
    """No system, but what judges them all: action units of an original or restored picture, by a ResNet-18."""

    system: ClassVar[str] = "judge"
    iterations: ClassVar[int] = 0
    use_aus: ClassVar[bool] = True
    use_landmarks: ClassVar[bool] = False
    aus: tuple[int, ...] = AU_SETS["disfa"]
    au_width: float = 1.0
    face_scale: float = 2.9

    def __post_init__(self) -> None:
        each_once(self.aus)
        known_units(self.aus)
        at_least(self, "net", {"au_width": 0.02, "face_scale": 1})
        small_enough(self, "net")


#: The config of any network.
AnyNet = NetConfig | SRCNNConfig | VDSRConfig | WaveletConfig | SRFBNConfig | DICConfig | SISNConfig | JudgeConfig
#: Configs by the name of their system.
NETWORKS: dict[str, type[AnyNet]] = {
    kind.system: kind
    for kind in (NetConfig, SRCNNConfig, VDSRConfig, WaveletConfig, SRFBNConfig, DICConfig, SISNConfig, JudgeConfig)
}
