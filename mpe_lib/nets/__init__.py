"""The networks; nothing here knows of files, devices or data sets."""

from mpe_lib.config import NetConfig, preset
from mpe_lib.nets.discriminator import Discriminator
from mpe_lib.nets.feedback import PERB, FeedbackBlock
from mpe_lib.nets.hourglass import AlignmentNet, Hourglass, Residual
from mpe_lib.nets.mpenet import MPENet, MPEOutput, evaluating
from mpe_lib.nets.resnet import ResNet18
from mpe_lib.nets.vggface import VGGFace

__all__ = [
    "PERB",
    "AlignmentNet",
    "Discriminator",
    "FeedbackBlock",
    "Hourglass",
    "MPENet",
    "MPEOutput",
    "ResNet18",
    "Residual",
    "VGGFace",
    "build_model",
    "evaluating",
]


def build_model(network: str | NetConfig) -> MPENet:
    """A new network with fresh weights, of a preset's name or a config.

    Raises:
        UserError: no preset of that name.
    """
    return MPENet(preset(network).net if isinstance(network, str) else network)
