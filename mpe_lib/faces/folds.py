"""The folds of BP4D and DISFA: each trains on two parts of the subjects and tests on the third."""

import hashlib

from mpe_lib.errors import UserError

#: The subjects of each part; nobody is in two. They are those of earlier work on action units, which the paper
#: follows (Sec. 4.1).
PARTS: dict[str, tuple[str, str, str]] = {
    "bp4d": (
        "F001 F002 F008 F009 F010 F016 F018 F023 M001 M004 M007 M008 M012 M014",
        "F003 F005 F011 F013 F020 F022 M002 M005 M010 M011 M013 M016 M017 M018",
        "F004 F006 F007 F012 F014 F015 F017 F019 F021 M003 M006 M009 M015",
    ),
    "disfa": (
        "SN001 SN002 SN009 SN010 SN016 SN026 SN027 SN030 SN032",
        "SN006 SN011 SN012 SN013 SN018 SN021 SN024 SN028 SN031",
        "SN003 SN004 SN005 SN007 SN008 SN017 SN023 SN025 SN029",
    ),
}
TRAINED = {1: (1, 2), 2: (1, 3), 3: (2, 3)}  #: the parts that each fold trains on


def training(name: str, fold: int) -> list[str]:
    """The subjects that a fold of a data set trains on, in the paper."""
    return [subject for part in TRAINED[fold] for subject in PARTS[name][part - 1].split()]


def fold_splits(name: str, held_out: int, seed: int) -> dict[str, dict[int, str]]:
    """The split of every subject of a data set in each fold, whoever of them is there.

    Args:
        name: of the data set.
        held_out: subjects of the training parts that validate instead; the paper has none.
        seed: another one draws others.

    Raises:
        UserError: nobody would be left to train on.
    """
    splits: dict[str, dict[int, str]] = {subject: {} for part in PARTS[name] for subject in part.split()}
    for fold in TRAINED:
        drawn = training(name, fold)
        if not 0 <= held_out < len(drawn):
            raise UserError(f"{held_out} of {len(drawn)} subjects are to be held out", "leave some to train on")
        drawn.sort(key=lambda subject, fold=fold: hashlib.sha256(f"{seed}/{fold}/{subject}".encode()).digest())
        known = dict.fromkeys(drawn, "train") | dict.fromkeys(drawn[:held_out], "val")
        for subject, split in splits.items():
            split[fold] = known.get(subject, "test")
    return splits
