"""How often each action unit occurs in the folds of BP4D and DISFA, and what that makes of the weights of Eq. 6."""

from pathlib import Path

import numpy as np
import torch

from mpe_lib.config import AU_SETS
from mpe_lib.faces.facset import read_faces
from mpe_lib.faces.folds import TRAINED, training
from mpe_lib.losses import au_weights

#: As published, by data set and fold: to compare with. The weights that are used follow from the faces.
PUBLISHED: dict[tuple[str, int], tuple[float, ...]] = {
    ("bp4d", 1): (1.3430, 1.6897, 1.2481, 0.5614, 0.4330, 0.4359, 0.4573, 0.5410, 1.4081, 0.7228, 1.4931, 1.6667),
    ("bp4d", 2): (1.1911, 1.3373, 1.2470, 0.5589, 0.4682, 0.4180, 0.4401, 0.5819, 1.6704, 0.7742, 1.5864, 1.7265),
    ("bp4d", 3): (1.1329, 1.5196, 1.3086, 0.5521, 0.5071, 0.4431, 0.4744, 0.5351, 1.4960, 0.7499, 1.5825, 1.6986),
    ("disfa", 1): (1.4223, 2.3478, 0.3997, 0.7950, 1.8782, 0.4401, 0.1956, 0.5213),
}


def occurrence_table(folder: Path, name: str) -> list[str]:
    """The rates and weights of the parts that each fold trains on, validation among them, beside those published.

    Args:
        folder: made of the data set, a folder in it for each subject.
        name: of the data set.

    Returns:
        Lines of text.
    """
    aus = AU_SETS[name]
    faces = read_faces(folder, None, aus)
    subjects = np.array([path.relative_to(folder).parts[0] for path in faces.paths])
    lines: list[str] = []
    for fold, parts in TRAINED.items():
        known = faces.take(np.flatnonzero(np.isin(subjects, training(name, fold))))
        rates = known.rates()
        weights = torch.where(rates.isnan(), torch.nan, au_weights(rates))
        lines.append(f"fold {fold}, trained on {' and '.join(f'P{part}' for part in parts)}: {len(known)} faces")
        lines.append(f"{'':10}" + "".join(f"{f'AU{au}':>8}" for au in aus))
        lines += [_line("rate", rates.tolist()), _line("weight", weights.tolist())]
        published = PUBLISHED.get((name, fold))
        if published:
            lines.append(_line("published", published))
            lines.append(_line("difference", (weights - torch.tensor(published)).tolist()))
    return lines


def _line(title: str, values: "list[float] | tuple[float, ...]") -> str:
    return f"{title:10}" + "".join(f"{'-' if np.isnan(value) else f'{value:.4f}':>8}" for value in values)
