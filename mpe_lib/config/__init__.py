"""Everything that can be chosen: a frozen dataclass for the network, one for its training, and the presets."""

from mpe_lib.config.compared import (
    NETWORKS,
    AnyNet,
    DICConfig,
    JudgeConfig,
    SISNConfig,
    SRCNNConfig,
    SRFBNConfig,
    VDSRConfig,
    WaveletConfig,
)
from mpe_lib.config.fields import near
from mpe_lib.config.net import NetConfig
from mpe_lib.config.presets import ABLATIONS, PRESETS, VARIATIONS, preset
from mpe_lib.config.run import Config
from mpe_lib.config.training import TrainConfig
from mpe_lib.config.units import AU_SETS, AUS

__all__ = [
    "ABLATIONS",
    "AUS",
    "AU_SETS",
    "NETWORKS",
    "PRESETS",
    "VARIATIONS",
    "AnyNet",
    "Config",
    "DICConfig",
    "JudgeConfig",
    "NetConfig",
    "SISNConfig",
    "SRCNNConfig",
    "SRFBNConfig",
    "TrainConfig",
    "VDSRConfig",
    "WaveletConfig",
    "near",
    "preset",
]
