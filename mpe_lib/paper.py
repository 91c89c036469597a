"""What the paper's tables say, 16 x 16 to 128 x 128 (Sec. 4.3 and 4.4)."""

from typing import NamedTuple


class Figures(NamedTuple):
    """A row of a table, on one data set."""

    psnr: float  # dB
    ssim: float
    f1: float | None = None  # of action units, by OpenFace, in percent
    accuracy: float | None = None  # of the same, in percent


Rows = dict[str, dict[str, Figures]]  #: by row and data set

#: Tables 1 and 2, by system and data set
SYSTEMS: Rows = {
    "Bicubic": {"BP4D": Figures(28.67, 0.7724, 52.98, 69.39), "DISFA": Figures(28.88, 0.8031, 34.65, 71.73)},
    "SRCNN": {"BP4D": Figures(30.12, 0.8070, 55.74, 69.79), "DISFA": Figures(29.71, 0.8193, 39.44, 73.14)},
    "VDSR": {"BP4D": Figures(30.27, 0.8236, 56.31, 71.47), "DISFA": Figures(29.47, 0.8192, 40.14, 71.99)},
    "Wavelet-SRNet": {"BP4D": Figures(31.25, 0.8600, 58.83, 73.90), "DISFA": Figures(30.70, 0.8773, 44.18, 73.11)},
    "SRFBN": {},  # not compared there; the block's source
    "DIC": {"BP4D": Figures(31.74, 0.8648, 57.19, 73.51), "DISFA": Figures(31.40, 0.8714, 45.59, 72.98)},
    "DICGAN": {"BP4D": Figures(31.08, 0.8392), "DISFA": Figures(31.09, 0.8548)},
    "SISN": {"BP4D": Figures(32.02, 0.8683, 58.42, 73.46), "DISFA": Figures(31.78, 0.8723, 45.27, 72.95)},
    "MPENet": {"BP4D": Figures(32.22, 0.8765, 58.84, 74.27), "DISFA": Figures(32.02, 0.8841, 46.38, 73.29)},
    "MPEGAN": {"BP4D": Figures(31.43, 0.8364), "DISFA": Figures(31.46, 0.8566)},
}

#: Table 3, by step and data set
STEPS: Rows = {
    "step 1": {"BP4D": Figures(31.70, 0.8606, 57.14, 72.98), "DISFA": Figures(30.84, 0.8513, 45.53, 72.24)},
    "step 2": {"BP4D": Figures(32.21, 0.8763, 58.74, 74.24), "DISFA": Figures(32.02, 0.8841, 46.02, 72.83)},
    "step 3": {"BP4D": Figures(32.22, 0.8765, 58.84, 74.27), "DISFA": Figures(32.02, 0.8841, 46.38, 73.29)},
}

#: Table 4, on BP4D, by the rows of `mpe_lib.config.ABLATIONS`
ABLATION: Rows = {
    "baseline": {"BP4D": Figures(31.87, 0.8662, 57.79, 72.33)},
    "+landmarks": {"BP4D": Figures(32.12, 0.8747, 58.72, 74.15)},
    "+AUs": {"BP4D": Figures(32.15, 0.8755, 58.64, 74.21)},
    "+attention maps": {"BP4D": Figures(32.22, 0.8765, 58.84, 74.27)},
}
