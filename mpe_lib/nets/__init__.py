"""The networks; nothing here knows of devices or data sets, and of files only `hub`."""

from typing import Any

from mpe_lib.config import NETWORKS, AnyNet, preset
from mpe_lib.nets.compared.dic import DIC
from mpe_lib.nets.compared.judge import Judge
from mpe_lib.nets.compared.sisn import SISN
from mpe_lib.nets.compared.srcnn import SRCNN
from mpe_lib.nets.compared.srfbn import SRFBN
from mpe_lib.nets.compared.vdsr import VDSR
from mpe_lib.nets.compared.wavelet import WaveletSRNet
from mpe_lib.nets.discriminator import Discriminator
from mpe_lib.nets.feedback import PERB, FeedbackBlock
from mpe_lib.nets.hourglass import AlignmentNet, Hourglass, Residual
from mpe_lib.nets.mpenet import MPENet, MPEOutput, evaluating
from mpe_lib.nets.resnet import ResNet18
from mpe_lib.nets.vggface import VGGFace

__all__ = [
    "DIC",
    "PERB",
    "SISN",
    "SRCNN",
    "SRFBN",
    "VDSR",
    "AlignmentNet",
    "Discriminator",
    "FeedbackBlock",
    "Hourglass",
    "Judge",
    "MPENet",
    "MPEOutput",
    "ResNet18",
    "Residual",
    "System",
    "VGGFace",
    "WaveletSRNet",
    "build_model",
    "evaluating",
]


System = MPENet | SRCNN | VDSR | WaveletSRNet | SRFBN | DIC | SISN | Judge  #: any network
_SYSTEMS: dict[str, Any] = {
    "mpenet": MPENet,
    "srcnn": SRCNN,
    "vdsr": VDSR,
    "wavelet": WaveletSRNet,
    "srfbn": SRFBN,
    "dic": DIC,
    "sisn": SISN,
    "judge": Judge,
}
assert _SYSTEMS.keys() == NETWORKS.keys()


def build_model(network: str | AnyNet) -> System:
    """A new network with fresh weights, of a preset's name or a config.

    Raises:
        UserError: no preset of that name.
    """
    config = preset(network).net if isinstance(network, str) else network
    return _SYSTEMS[config.system](config)
