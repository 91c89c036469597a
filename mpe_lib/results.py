"""What `mpe_lib.experiment` left of each training, gathered into rows of tables.

A folder of results holds a JSON file for each training. Trainings of one name are one row: several seeds, and the folds
of a data set, which together count as one training.
"""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mpe_lib.chance import Array
from mpe_lib.errors import UserError
from mpe_lib.files import read_json


def _whole(value: Any) -> bool:
    return isinstance(value, int) and abs(value) < 2**63


def _score(value: Any) -> bool:
    """A number, or None where there is none."""
    return value is None or (isinstance(value, int | float) and abs(value) < 1e6)


def _text(value: Any) -> bool:
    return isinstance(value, str) and value.isprintable()


def _signs_only(value: Any) -> bool:
    return isinstance(value, str) and not value.strip("01?")


# What is read of a result: tables by name, where `str` stands for any name; lists of one kind; and what each value is.
_UNITS = {"f1": _score, "accuracy": _score, "detected": _score, "said": {str: _signs_only}}
_RESULT: dict[Any, Any] = {
    "name": _text,
    "preset": _text,
    "changes": {str: lambda value: True},
    "parameters": _whole,
    "seed": _whole,
    "fold": lambda value: value is None or _whole(value),
    "budget": {"updates": _whole, "batch": _whole},
    "train": {"faces": [_text], "n": _whole},
    "test": {"faces": [_text], "n": _whole, "fingerprint": _text},
    "figures": {"border": _whole, "steps": [{}], "faces": {"psnr": [[_score]], "ssim": [[_score]]}},
    "recognised": [{"by": _text, "labels": {str: _signs_only}, "pictures": {str: _UNITS}}],
}


class Row:
    """Trainings of one network: several seeds, each perhaps in several folds."""

    def __init__(self, name: str, results: Sequence[Mapping[str, Any]]) -> None:
        by_seed: dict[int, list[Mapping[str, Any]]] = defaultdict(list)
        for result in sorted(results, key=lambda each: (each["seed"], each["fold"] or 0)):
            by_seed[result["seed"]].append(result)
            if len({(each["seed"], each["fold"]) for each in by_seed[result["seed"]]}) < len(by_seed[result["seed"]]):
                raise UserError(
                    f"{name}: two results of seed {result['seed']}", "give different networks different names"
                )
        for field in ("preset", "changes"):
            if any(each[field] != results[0][field] for each in results):
                raise UserError(f"{name}: results with different {field}", "give different networks different names")
        units = {(by["by"], tuple(by["labels"])) for each in results for by in each["recognised"]}
        steps = {len(each["figures"]["steps"]) for each in results}
        if len(steps) > 1 or len(dict(units)) < len(units):
            raise UserError(f"{name}: results of different steps or action units", "run what is old again")
        if any(_budget(each) != _budget(results[0]) for each in results):
            raise UserError(f"{name}: results with different budgets", "run what is old again")
        self.name = name
        self.seeds = list(by_seed)
        self._trainings = list(by_seed.values())
        self.first = results[0]
        folds = {
            tuple((each["test"]["fingerprint"], each["test"]["n"]) for each in training) for training in self._trainings
        }
        if len(folds) > 1:
            raise UserError(f"{name}: seeds were tested on different faces", "run what is missing of them")
        self.faces = folds.pop()  # tells on which it was tested
        self.folds = self._trainings[0]  # the results of one training

    def __len__(self) -> int:
        """How many trainings."""
        return len(self._trainings)

    @property
    def pictures(self) -> list[str]:
        """The names that `quality` and `units` know, "bicubic", "step 1", ..."""
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

    def said(self, by: str, picture: str = "") -> list[tuple[Array, Array]]:
        """For each fold, what was recognised, (trainings, faces, A), and the labels, (faces, A), NaN unknown."""
        name = picture or self.pictures[-1]
        folds = zip(*([_recognised(result, by) for result in training] for training in self._trainings), strict=True)
        return [
            (np.stack([_signs(each["pictures"][name]["said"]) for each in fold]), _signs(fold[0]["labels"]))
            for fold in folds
        ]


def read_results(folder: str | Path) -> dict[str, Row]:
    """The rows of a folder of results, by name.

    Raises:
        UserError: no result in it, or a file that is none.
    """
    by_name: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for path in sorted(Path(folder).glob("*.json")):
        try:
            result = read_json(path)
            _check(result)
        except (OSError, ValueError) as error:
            remedy = "name a folder that mpe sweep collects into"
            raise UserError(f"{path}: no result of a run ({error})", remedy) from error
        by_name[result["name"]].append(result)
    if not by_name:
        raise UserError(f"{folder}: no result in it", "name a folder that mpe sweep collects into")
    return {name: Row(name, results) for name, results in by_name.items()}


def _check(result: Any) -> None:
    """Raises ValueError: no result, or one whose parts are not of the same faces, pictures and units."""
    _check_kind("the result", result, _RESULT)
    faces, scores = result["test"]["n"], [result["figures"]["faces"][what] for what in ("psnr", "ssim")]
    pictures = ["bicubic", *(f"step {number}" for number in range(1, len(result["figures"]["steps"]) + 1))]
    if any(len(of) != len(pictures) or any(len(row) != faces for row in of) for of in scores):
        raise ValueError(f"scores not of {len(pictures)} pictures of {faces} faces")
    for each in result["recognised"]:
        tables = [each["labels"], *(each["pictures"].get(name, {}).get("said") for name in (*pictures, "original"))]
        if any(table is None or table.keys() != each["labels"].keys() for table in tables):
            raise ValueError(f"{each['by']} has not looked at the same units in every picture")
        if any(len(signs) != faces for table in tables for signs in table.values()):
            raise ValueError(f"{each['by']} has not looked at {faces} faces")


def _check_kind(name: str, value: Any, kind: Any) -> None:
    """Raises ValueError: what is called `name` is not of that kind."""
    if isinstance(kind, dict):
        whatever = kind.get(str)
        fields = dict.fromkeys(value, whatever) if whatever and isinstance(value, dict) else kind
        if not isinstance(value, dict) or not fields.keys() <= value.keys():
            raise ValueError(f"{name} has no {' or '.join(map(str, kind))}")
        for field, each in fields.items():
            _check_kind(field, value[field], each)
    elif isinstance(kind, list):
        if not isinstance(value, list):
            raise ValueError(f"{name} is no list")
        for each in value:
            _check_kind(name, each, kind[0])
    elif not kind(value):
        raise ValueError(f"{name} is {value!r:.40}")


def _budget(result: Mapping[str, Any]) -> tuple[Any, ...]:
    """What a training had: updates, faces in each, and which faces."""
    return result["budget"]["updates"], result["budget"]["batch"], result["train"]["faces"], result["train"]["n"]


def _recognised(result: Mapping[str, Any], by: str) -> Mapping[str, Any]:
    for each in result["recognised"]:
        if each["by"] == by:
            return each
    raise UserError(f"{result['name']}, seed {result['seed']}: not looked at by {by}", "run it again")


def _signs(columns: Mapping[str, str]) -> Array:
    """{AUn: "01?..."} -> (faces, A), NaN for ?."""
    values = {"0": 0.0, "1": 1.0, "?": math.nan}
    return np.array([[values[sign] for sign in column] for column in columns.values()]).T
