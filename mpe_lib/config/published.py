"""The presets of the compared systems, each as its authors train it, and of the judge; and the same for two cores."""

from typing import Any

from mpe_lib.config.compared import (
    DICConfig,
    JudgeConfig,
    SISNConfig,
    SRCNNConfig,
    SRFBNConfig,
    VDSRConfig,
    WaveletConfig,
)
from mpe_lib.config.run import Config
from mpe_lib.config.training import TrainConfig
from mpe_lib.config.units import AUS


def _trained(**own: Any) -> TrainConfig:
    """As the authors do: on faces of one size."""
    return TrainConfig(scale_jitter=0, **own)


#: The systems of Table 1, and the judge, with their trainings. The rate falls at the same shares of any updates.
COMPARED: dict[str, Config] = {
    "srcnn": Config(SRCNNConfig(), _trained(last_layer=0.1)),
    "vdsr": Config(VDSRConfig(), _trained(lr=5e-4, halve_at=(0.25, 0.5, 0.75), clip=0.4)),
    "wavelet": Config(WaveletConfig(), _trained(lr=2e-4, error="wavelet")),
    "srfbn": Config(SRFBNConfig(), _trained(halve_at=(0.2, 0.4, 0.6, 0.8), error="l1")),
    "dic": Config(
        DICConfig(),
        _trained(updates=150_000, batch=8, halve_at=(1 / 15, 2 / 15, 4 / 15, 8 / 15), error="l1"),
    ),
    "sisn": Config(
        SISNConfig(),
        _trained(lr=2e-4, batch=8, halve_at=tuple(step / 20 for step in range(1, 9)), error="l1"),
    ),
    "judge": Config(
        JudgeConfig(aus=AUS),
        TrainConfig(
            updates=20_000, batch=32, lr=3e-4, schedule="cosine", warmup=500, average=0.999, clip=1.0, lambda_au=1.0
        ),
    ),
}
# DICGAN goes on from a DIC of the same size.
_DICGAN: dict[str, Any] = {
    "train.updates": 80_000,
    "train.halve_at": (1 / 8, 1 / 4, 1 / 2),
    "train.lambda_per": 0.1,
    "train.lambda_adv": 0.005,
    "train.discriminator": "lightcnn",
    "train.features": "lightcnn",
}
COMPARED["dicgan"] = COMPARED["dic"].replace(_DICGAN)

# No larger than `small`, and trained as `small` is, but for what they learn by: alike, so that two cores compare
# networks, not the patience of their authors. The two that begin without an enlarged picture need a larger rate: after
# 400 updates Wavelet-SRNet had 23.3 dB with 1e-3 and 24.5 with 4e-3, SISN 25.3 and 26.1. No average of the weights:
# of so few updates it would hold too much of the beginning (.998 took 5.3 dB off Wavelet-SRNet, .1 off MPENet).
_SHORT: dict[str, Any] = {
    "train.updates": 2000,
    "train.batch": 4,
    "train.schedule": "cosine",
    "train.warmup": 100,
    "train.halve_at": (),
    "train.clip": 1.0,
    "train.scale_jitter": TrainConfig().scale_jitter,
}
_SMALL: dict[str, dict[str, Any]] = {
    "srcnn": {"train.lr": 1e-3},
    "vdsr": {"net.width": 32, "net.depth": 10, "train.lr": 1e-3},
    "wavelet": {"net.width": 16, "net.blocks": 1, "net.band_width": 8, "train.lr": 4e-3},
    "srfbn": {"net.channels": 32, "net.groups": 4, "train.lr": 7e-4},
    "dic": {
        "net.channels": 32,
        "net.groups": 4,
        "net.body_scale": 4,
        "net.hourglass_width": 64,
        "net.fusion_blocks": 2,
        "train.lr": 7e-4,
    },
    "sisn": {"net.channels": 32, "net.groups": 4, "net.blocks": 4, "train.lr": 4e-3},
    "judge": {"net.au_width": 0.5, "train.updates": 3000, "train.batch": 32, "train.lr": 1e-3, "train.average": 0.995},
}
COMPARED.update({f"{name}-small": COMPARED[name].replace(_SHORT | changes) for name, changes in _SMALL.items()})
#: A GAN that two cores can train: it goes on from a small network.
SHORT_GAN: dict[str, Any] = {
    "train.updates": 2000,
    "train.lr": 1e-4,
    "train.schedule": "constant",
    "train.warmup": 0,
    "train.halve_at": (),
    "train.average": 0.99,
    "train.discriminator_width": 0.5,
    "train.features": "own",
}
COMPARED["dicgan-small"] = COMPARED["dic-small"].replace(_DICGAN | SHORT_GAN)
