"""The networks; nothing here knows of files, devices or data sets."""

from mpe_lib.config import NetConfig, preset
from mpe_lib.nets.feedback import PERB, FeedbackBlock
from mpe_lib.nets.hourglass import AlignmentNet, Hourglass, Residual
from mpe_lib.nets.mpenet import MPENet, MPEOutput, evaluating
from mpe_lib.nets.resnet import ResNet18

__all__ = [
    "PERB",
    "AlignmentNet",
    "FeedbackBlock",
    "Hourglass",
    "MPENet",
    "MPEOutput",
    "ResNet18",
    "Residual",
    "build_model",
    "evaluating",
]


def build_model(network: str | NetConfig) -> MPENet:
    """A new network with fresh weights, of a preset's name or a config.

    Raises:
        UserError: no preset of that name.
    """
    return MPENet(preset(network).net if isinstance(network, str) else network)
