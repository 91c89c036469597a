"""What `mpe_lib.experiment` left of each training, gathered into rows of tables.

A folder of results holds a JSON file for each training. Trainings of one name are one row: several seeds, and the folds
of a data set, which together count as one training.
"""

import json
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mpe_lib.chance import Array
from mpe_lib.errors import UserError


class Row:
    """Trainings of one network: several seeds, each perhaps in several folds."""

    def __init__(self, name: str, results: Sequence[Mapping[str, Any]]) -> None:
        by_seed: dict[int, list[Mapping[str, Any]]] = defaultdict(list)
        for result in sorted(results, key=lambda each: (each["seed"], each["fold"] or 0)):
            by_seed[result["seed"]].append(result)
        self.name = name
        self._trainings = list(by_seed.values())
        self.first = results[0]
        folds = {tuple(each["test"]["fingerprint"] for each in training) for training in self._trainings}
        if len(folds) > 1:
            raise UserError(f"{name}: seeds were tested on different faces", "run what is missing of them")
        self.faces = folds.pop()  # tells on which it was tested

    def __len__(self) -> int:
        """How many trainings."""
        return len(self._trainings)

    @property
    def pictures(self) -> list[str]:
        """What `quality` and `units` know: "bicubic", "step 1", ..."""
        return ["bicubic", *(f"step {number}" for number in range(1, len(self.first["figures"]["steps"]) + 1))]

    def quality(self, what: str, picture: str = "") -> Array:
        """(trainings, faces): "psnr" or "ssim" of a picture, of the last unless one is named."""
        index = self.pictures.index(picture) if picture else -1
        return np.array(
            [
                [score for result in training for score in result["figures"]["faces"][what][index]]
                for training in self._trainings
            ],
            np.float64,
        )

    def recognisers(self) -> list[str]:
        """Who looked at the action units of all trainings."""
        return [each["by"] for each in self.first["recognised"]]

    def units(self, by: str, what: str, picture: str = "") -> Array:
        """(trainings,): "f1", "accuracy" or "detected", in percent, the mean over folds; NaN where there is none."""
        name = picture or self.pictures[-1]
        tables = [[_recognised(result, by)["pictures"][name] for result in training] for training in self._trainings]
        values = [[math.nan if table[what] is None else table[what] for table in folds] for folds in tables]
        return 100 * np.mean(values, axis=1)

    def said(self, by: str, picture: str = "") -> tuple[Array, Array]:
        """What was recognised, (trainings, faces, A), and the labels, (faces, A), NaN unknown."""
        name = picture or self.pictures[-1]
        folds = [[_recognised(result, by) for result in training] for training in self._trainings]
        said = [
            np.concatenate([_signs(each["pictures"][name]["said"]) for each in training], axis=0) for training in folds
        ]
        return np.stack(said), np.concatenate([_signs(each["labels"]) for each in folds[0]], axis=0)


def read_results(folder: str | Path) -> dict[str, Row]:
    """The rows of a folder of results, by name.

    Raises:
        UserError: no result in it, or a file that is none.
    """
    by_name: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for path in sorted(Path(folder).glob("*.json")):
        try:
            result = json.loads(path.read_text(encoding="utf-8"))
            _ = result["seed"], result["fold"], result["test"]["fingerprint"], result["recognised"]
            by_name[result["name"]].append(result)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise UserError(f"{path}: no result of a run", "name a folder that mpe sweep collects into") from error
    if not by_name:
        raise UserError(f"{folder}: no result in it", "name a folder that mpe sweep collects into")
    return {name: Row(name, results) for name, results in by_name.items()}


def _recognised(result: Mapping[str, Any], by: str) -> Mapping[str, Any]:
    for each in result["recognised"]:
        if each["by"] == by:
            return each
    raise UserError(f"{result['name']}, seed {result['seed']}: not looked at by {by}", "run it again")


def _signs(columns: Mapping[str, str]) -> Array:
    """{AUn: "01?..."} -> (faces, A), NaN for ?."""
    values = {"0": 0.0, "1": 1.0, "?": math.nan}
    return np.array([[values[sign] for sign in column] for column in columns.values()]).T
