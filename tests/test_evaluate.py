"""What a network is worth, in figures that JSON can hold."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from mpe_lib import evaluate as module
from mpe_lib.errors import UserError
from mpe_lib.evaluate import au_probabilities, evaluate, prior_effects, quality_table
from mpe_lib.faces.degrade import bicubic, degrade
from mpe_lib.faces.facset import Faces, read_faces
from mpe_lib.metrics import psnr
from mpe_lib.nets import MPENet, build_model
from mpe_lib.validation import validate

AUS = (1, 2, 4, 6, 9, 12, 25, 26)  # of the tiny network


@pytest.fixture(scope="module")
def tested(faces: Path) -> Faces:
    return read_faces(faces, "test", AUS)


@pytest.fixture(scope="module")
def figures(tiny: MPENet, tested: Faces) -> dict[str, Any]:
    return evaluate(tiny, tested)


@pytest.fixture
def _as_before() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("_as_before")
@pytest.mark.parametrize("threads", [2, 4])
def test_the_number_of_threads_changes_no_figure(
    tiny: MPENet, tested: Faces, figures: dict[str, Any], threads: int
) -> None:
    torch.set_num_threads(threads)
    other = evaluate(tiny, tested)
    for step, same in zip(other["steps"], figures["steps"], strict=True):
        assert step["psnr"] == pytest.approx(same["psnr"], abs=0.01)
        assert step["ssim"] == pytest.approx(same["ssim"], abs=0.0005)
    assert other["landmark_nme"] == pytest.approx(figures["landmark_nme"], rel=0.001)


def test_a_face_that_cannot_be_read_is_never_left_out(tiny: MPENet, tested: Faces, tmp_path: Path) -> None:
    cut_off = tmp_path / "cut_off.png"
    cut_off.write_bytes(tested.paths[-1].read_bytes()[:200])
    with pytest.raises(UserError, match=f"^{cut_off} cannot be decoded"):
        evaluate(tiny, replace(tested, paths=(*tested.paths[:-1], cut_off)))


def without_aus() -> MPENet:
    config = build_model("tiny").config
    return build_model(type(config)(**{**vars(config), "use_aus": False, "use_attention": False})).eval()


def test_what_is_measured(figures: dict[str, Any]) -> None:
    assert list(figures) == ["n", "border", "bicubic", "steps", "landmark_nme", "au", "faces"]
    assert (figures["n"], figures["border"]) == (2, 0)
    assert [set(row) for row in (figures["bicubic"], *figures["steps"])] == [{"psnr", "ssim"}] * 4
    assert set(figures["au"]) == {"f1", "accuracy", "per_au"}
    assert list(figures["au"]["per_au"]) == [f"AU{au}" for au in AUS]
    assert json.loads(json.dumps(figures, allow_nan=False)) == figures


def test_bicubic_by_hand(figures: dict[str, Any], tested: Faces) -> None:
    hr = np.stack([np.asarray(Image.open(path))[8:136, 8:136] for path in tested.paths])
    baseline = np.stack([bicubic(degrade(face)) for face in hr])
    assert figures["bicubic"]["psnr"] == pytest.approx(psnr(baseline, hr).mean().item(), abs=1e-9)


def test_the_steps_are_scored_as_training_scores_them(tiny: MPENet, figures: dict[str, Any], tested: Faces) -> None:
    scores = [step["psnr"] for step in figures["steps"]]
    assert scores == pytest.approx(validate(tiny, tested, 64), abs=1e-4)
    assert len(set(scores)) == 3


def test_the_border_is_left_out(tiny: MPENet, figures: dict[str, Any], tested: Faces) -> None:
    inner = evaluate(tiny, tested, border=8)
    assert inner["border"] == 8
    assert inner["bicubic"] != figures["bicubic"]
    assert inner["landmark_nme"] == figures["landmark_nme"]


def test_the_size_of_the_batches_does_not_matter(
    tiny: MPENet, figures: dict[str, Any], tested: Faces, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BATCH", 1)
    for one, both in zip(evaluate(tiny, tested)["steps"], figures["steps"], strict=True):
        assert one == pytest.approx(both, abs=1e-3)


def test_action_units_by_hand(tested: Faces) -> None:
    # The folder's labels: AU6, 12, 25 present, 4 and 9 absent, 1, 2 and 26 unknown. The network is made to
    # say 12 and 9, and nothing else, whatever it sees.
    net = build_model("tiny").eval()
    assert net.detect is not None
    net.detect.fc.weight.data.zero_()
    net.detect.fc.bias.data = torch.tensor([9.0 if au in (9, 12) else -9.0 for au in AUS])
    au = evaluate(net, tested)["au"]
    assert au["per_au"] == {
        "AU1": {"f1": None, "accuracy": None, "positives": 0, "n": 0},
        "AU2": {"f1": None, "accuracy": None, "positives": 0, "n": 0},
        "AU4": {"f1": None, "accuracy": 1, "positives": 0, "n": 2},
        "AU6": {"f1": 0, "accuracy": 0, "positives": 2, "n": 2},
        "AU9": {"f1": None, "accuracy": 0, "positives": 0, "n": 2},
        "AU12": {"f1": 1, "accuracy": 1, "positives": 2, "n": 2},
        "AU25": {"f1": 0, "accuracy": 0, "positives": 2, "n": 2},
        "AU26": {"f1": None, "accuracy": None, "positives": 0, "n": 0},
    }
    assert au["f1"] == pytest.approx(1 / 3)  # over 6, 12 and 25
    assert au["accuracy"] == pytest.approx(2 / 5)  # over 4, 6, 9, 12 and 25
    says = [[float(au in (9, 12)) for au in AUS]] * 2
    np.testing.assert_allclose(au_probabilities(net, tested), says, atol=1e-3)


def test_without_labels_the_action_units_are_unknown(tiny: MPENet, tested: Faces) -> None:
    au = evaluate(tiny, replace(tested, aus=np.full_like(tested.aus, np.nan)))["au"]
    assert (au["f1"], au["accuracy"]) == (None, None)


def test_the_landmark_error_is_that_of_faces_with_landmarks(tiny: MPENet, tested: Faces) -> None:
    landmarks = tested.landmarks.copy()
    landmarks[0] = np.nan
    second = evaluate(tiny, tested.take(np.array([1])))["landmark_nme"]
    assert evaluate(tiny, replace(tested, landmarks=landmarks))["landmark_nme"] == pytest.approx(second, rel=1e-4)
    assert evaluate(tiny, replace(tested, landmarks=landmarks * np.nan))["landmark_nme"] is None


def test_a_network_without_action_units(tested: Faces) -> None:
    figures = evaluate(without_aus(), tested)
    assert figures["au"] == {"f1": None, "accuracy": None, "per_au": {}}
    assert figures["landmark_nme"] > 0


def test_perfection_is_not_a_number(tested: Faces, tmp_path: Path) -> None:
    # A plain wall is restored without an error: its PSNR is infinite, which JSON has no word for.
    Image.new("RGB", (144, 144), (90, 120, 40)).save(tmp_path / "wall.png")
    wall = Faces([tmp_path / "wall.png"], tested.landmarks[:1], tested.aus[:1], np.ones(1))
    figures = evaluate(build_model("tiny").eval(), wall)
    for row in (figures["bicubic"], *figures["steps"]):
        assert row == {"psnr": None, "ssim": pytest.approx(1)}
    json.dumps(figures, allow_nan=False)


# ---- what the priors do


def test_the_effect_of_every_prior(tiny: MPENet, figures: dict[str, Any], tested: Faces) -> None:
    effects = prior_effects(tiny, tested)
    assert list(effects) == [
        "own",
        *["heatmaps zero", "heatmaps other's"],
        *["au_probability zero", "au_probability other's"],
        *["attention zero", "attention other's"],
    ]
    assert effects["own"] == pytest.approx(figures["steps"][-1]["psnr"], abs=1e-9)
    assert effects["heatmaps zero"] != 0
    assert effects["heatmaps other's"] not in (0, effects["heatmaps zero"])
    # Probability and attention are multiplied: without either one, step 3 sees the same nothing.
    assert effects["au_probability zero"] == pytest.approx(effects["attention zero"], abs=1e-9) != 0


def test_a_network_without_units_has_no_probabilities(tested: Faces) -> None:
    with pytest.raises(ValueError, match="detects no action units"):
        au_probabilities(without_aus(), tested)


def test_only_priors_in_use_have_an_effect(tested: Faces) -> None:
    assert list(prior_effects(without_aus(), tested)) == ["own", "heatmaps zero", "heatmaps other's"]


# ---- the table


def test_the_table_by_hand() -> None:
    table = quality_table({"bicubic": (25.0, 0.7), "step 1": (26.5, 0.75), "step 2": (24.0, 0.695)})
    assert table.splitlines() == [
        "border 0    PSNR dB     SSIM      over bicubic",
        "bicubic       25.00   0.7000",
        "step 1        26.50   0.7500  +1.50 dB +0.0500",
        "step 2        24.00   0.6950  -1.00 dB -0.0050",
    ]


# ---- per face


def test_the_scores_of_the_faces_have_the_means(figures: dict[str, Any]) -> None:
    rows = [figures["bicubic"], *figures["steps"]]
    for what in ("psnr", "ssim"):
        means = np.mean(figures["faces"][what], axis=1)
        assert means == pytest.approx([row[what] for row in rows], abs=1e-4)
