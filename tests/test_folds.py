"""The folds of BP4D and DISFA, and the weights of their action units beside those published."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from mpe_lib.config import AU_SETS
from mpe_lib.errors import UserError
from mpe_lib.faces.folder import Row, fill, row
from mpe_lib.faces.folds import PARTS, TRAINED, fold_splits, training
from mpe_lib.losses import au_weights
from mpe_lib.occurrence import PUBLISHED, occurrence_table

SETS = ("bp4d", "disfa")


@pytest.mark.parametrize(("name", "sizes"), [("bp4d", [14, 14, 13]), ("disfa", [9, 9, 9])])
def test_everybody_is_in_one_part(name: str, sizes: list[int]) -> None:
    parts = [part.split() for part in PARTS[name]]
    assert [len(part) for part in parts] == sizes
    everybody = {subject for part in parts for subject in part}
    assert len(everybody) == sum(sizes)
    if name == "bp4d":
        assert everybody == {f"F{n:03}" for n in range(1, 24)} | {f"M{n:03}" for n in range(1, 19)}
    for fold, trained in TRAINED.items():
        (tested,) = {1, 2, 3} - {*trained}
        assert fold == 4 - tested
        assert everybody - {*training(name, fold)} == {*parts[tested - 1]}


@pytest.mark.parametrize("name", SETS)
def test_without_validation_the_folds_are_the_papers(name: str) -> None:
    splits = fold_splits(name, 0, seed=0)
    for fold in TRAINED:
        assert {subject for subject, split in splits.items() if split[fold] == "train"} == {*training(name, fold)}
        assert {split[fold] for split in splits.values()} == {"train", "test"}


@pytest.mark.parametrize("name", SETS)
def test_those_held_out_come_from_the_training_parts(name: str) -> None:
    for seed in range(20):
        splits = fold_splits(name, 2, seed)
        assert splits == fold_splits(name, 2, seed)
        for fold in TRAINED:
            held = {subject for subject, split in splits.items() if split[fold] == "val"}
            assert len(held) == 2
            assert held < {*training(name, fold)}
    drawn = {tuple(split[1] for split in fold_splits(name, 2, seed).values()) for seed in range(20)}
    assert len(drawn) > 15
    for held_out in (-1, len(training(name, 2))):
        with pytest.raises(UserError, match=f"{held_out} of .* subjects are to be held out; leave some to train on"):
            fold_splits(name, held_out, 0)


# ---- weights


@pytest.mark.parametrize("key", PUBLISHED)
def test_published_weights_are_weights(key: tuple[str, int]) -> None:
    """Their mean is 1, and rates proportional to one over them give them again."""
    weights = torch.tensor(PUBLISHED[key])
    assert len(weights) == len(AU_SETS[key[0]])
    assert weights.mean().item() == pytest.approx(1, abs=2e-4)
    torch.testing.assert_close(au_weights(0.1 / weights), weights, atol=5e-4, rtol=0)


def shown(folder: Path, number: int) -> Row:
    """Of SN001, SN006 and SN003, in turn: AU1 on every second picture, AU2 of SN006 only, AU26 unknown."""
    subject = ("SN001", "SN006", "SN003")[number % 3]
    name = f"{subject}/{number}.png"
    (folder / subject).mkdir(exist_ok=True)
    Image.new("RGB", (144, 144)).save(folder / name)
    aus: dict[int, int | None] = {1: number // 3 % 2, 2: int(subject == "SN006"), 26: None}
    return row(name, np.ones((68, 2)), aus, subject)


def test_weights_are_told_beside_those_published(tmp_path: Path) -> None:
    fill(tmp_path, range(12), shown, said={}, processes=1)
    lines = occurrence_table(tmp_path, "disfa")
    unknown = " " * 7 + "-"
    assert lines[:6] == [
        "fold 1, trained on P1 and P2: 8 faces",
        "               AU1     AU2     AU4     AU6     AU9    AU12    AU25    AU26",
        "rate        0.5000  0.5000" + unknown * 6,
        "weight      1.0000  1.0000" + unknown * 6,
        "published   1.4223  2.3478  0.3997  0.7950  1.8782  0.4401  0.1956  0.5213",
        "difference -0.4223 -1.3478" + unknown * 6,
    ]
    assert lines[6:10] == [
        "fold 2, trained on P1 and P3: 8 faces",
        lines[1],
        "rate        0.5000" + unknown * 7,
        "weight      1.0000" + unknown * 7,
    ]
    assert lines[10] == "fold 3, trained on P2 and P3: 8 faces"
    assert len(lines) == 14


def test_a_part_may_be_missing(tmp_path: Path) -> None:
    fill(tmp_path, [0, 3], shown, said={}, processes=1)
    lines = occurrence_table(tmp_path, "disfa")
    assert lines[10] == "fold 3, trained on P2 and P3: 0 faces"
    assert lines[12] == "rate      " + (" " * 7 + "-") * 8
