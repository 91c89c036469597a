"""Who recognises action units in restored pictures sees what a file would hold, and is counted by hand."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from mpe_lib import recognise as module
from mpe_lib.config import JudgeConfig
from mpe_lib.evaluate import evaluate
from mpe_lib.faces.facset import Faces, read_faces
from mpe_lib.nets import MPENet, build_model
from mpe_lib.pixels import Picture
from mpe_lib.recognise import ByJudge, ByOpenFace, Recognition, recognise, recognition_table

AUS = (4, 12, 25, 26)  # of the folder's two test faces 4 is absent, 12 and 25 are present, 26 is unknown


class ByBrightness:
    """Sees AU12 in every picture of more than middle grey, AU25 in every one; finds no face in the second."""

    name = "brightness"
    aus = AUS

    def __call__(self, pictures: Picture) -> Recognition:
        bright = torch.from_numpy(pictures.mean((1, 2, 3)) > 128).float()
        columns = [torch.zeros_like(bright), bright, torch.ones_like(bright), bright]
        second = torch.arange(len(pictures)) == 1
        return Recognition(torch.stack(columns, 1), ~second, second)


@pytest.fixture(scope="module")
def tested(faces: Path) -> Faces:
    return read_faces(faces, "test", AUS)


def test_counted_by_hand(tiny: MPENet, tested: Faces) -> None:
    told: list[tuple[int, int]] = []
    found = recognise(ByBrightness(), tiny, tested, lambda done, total: told.append((done, total)))
    assert told == [(2, 2)]
    assert found["by"] == "brightness"
    assert found["labels"] == {"AU4": "00", "AU12": "11", "AU25": "11", "AU26": "??"}
    assert list(found["pictures"]) == ["bicubic", "step 1", "step 2", "step 3", "original"]
    for table in found["pictures"].values():
        assert table["said"]["AU25"] == "11"
        assert table["detected"] == 0.5
        assert table["failed"] == 1
        right = table["said"]["AU12"].count("1") / 2
        assert table["per_au"]["AU12"]["accuracy"] == right
        assert table["per_au"]["AU26"] == {"f1": None, "accuracy": None, "positives": 0, "n": 0}
        assert table["accuracy"] == pytest.approx((1 + right + 1) / 3)  # of 4, 12 and 25


def test_chunks_change_nothing(tiny: MPENet, tested: Faces, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    judge: Any = build_model(JudgeConfig(aus=AUS, au_width=1 / 16)).eval()
    whole = recognise(ByJudge(judge, "mine"), tiny, tested)
    monkeypatch.setattr(module, "CHUNK", 1)
    assert recognise(ByJudge(judge, "mine"), tiny, tested) == whole


def test_a_judge_sees_what_a_file_would_hold(tiny: MPENet, tested: Faces) -> None:
    """On originals it says what `evaluate` finds of the judge itself; of each picture it judges that picture."""
    torch.manual_seed(0)
    judge: Any = build_model(JudgeConfig(aus=AUS, au_width=1 / 16)).eval()
    seen: list[torch.Tensor] = []
    judge.detect.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0] + judge.mean))
    pictures = recognise(ByJudge(judge, "mine"), tiny, tested)["pictures"]
    own = evaluate(judge, tested)["au"]
    assert {key: pictures["original"][key] for key in own} == own
    levels = 255 * torch.cat(seen[:5])
    torch.testing.assert_close(levels, levels.round(), atol=1e-3, rtol=0)
    assert len({picture.sum().item() for picture in seen[:5]}) == 5


def test_openface_and_what_it_does_not_find(openface: Path) -> None:
    bright, dark = (np.random.default_rng(0).integers(low, low + 90, (128, 128, 3), np.uint8) for low in (160, 10))
    plain = np.full_like(bright, 200)
    by = ByOpenFace(openface)
    said, detected, failed = by(np.stack([dark, bright, plain]))
    assert detected.tolist() == [True, True, False]
    assert not failed.any()
    assert said[:, by.aus.index(12)].tolist() == [0, 1, 0]
    assert said.sum() == 1
    assert 24 not in by.aus


def test_the_table_by_hand() -> None:
    whole = {"f1": 0.5, "accuracy": 0.75, "detected": 1.0, "failed": 0}
    pictures = {"bicubic": whole, "original": {"f1": None, "accuracy": 1, "detected": 0.9, "failed": 2}}
    table = recognition_table({"by": "judge mine", "pictures": pictures})
    assert table.splitlines() == [
        "judge mine                 AU F1  accuracy  faces found",
        "bicubic                     50.0      75.0        100.0",
        "original                     n/a     100.0         90.0",
        "  broke down at 2 of them, which count as no face",
    ]
