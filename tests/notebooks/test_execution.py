"""Every notebook runs: by nbval, which compares the checked cells, and by papermill, as users run it from a shell."""

import json
from pathlib import Path

import pytest
from running import compare, execute

GIGABYTES = 1.2  # what Binder grants, with a margin
# in the smoke profile; others 40. The first two take 25 to 54 from one machine to another
CPU_SECONDS = {"03_action_units_and_imbalance": 60, "09_assemble_mpenet": 60, "10_train_mpenet": 90}


def test_checked_cells_still_print_what_is_stored(notebook: Path, smoke: dict[str, str]) -> None:
    compare(notebook, smoke)


# What each notebook must measure in the smoke profile.
def check_00(metrics: dict, folder: Path) -> None:
    for name in ("photograph", "synthetic person"):
        quality = metrics[name]["quality"]
        assert all(quality[f"step {step}"]["psnr"] > quality["bicubic"]["psnr"] + 0.5 for step in (1, 2, 3))
        assert metrics[name]["aus"]["12"] > 0.5  # both smile
    assert all((folder / name).stat().st_size > 50_000 for name in ("sheet.png", "faces.png"))
    assert (folder / "table.txt").read_text().count("step 3") == 2


def check_01(metrics: dict, folder: Path) -> None:
    psnr = metrics["psnr"]
    assert metrics["faces"] == 8
    assert psnr["Y, pooled"] < psnr["Y, border 0, mean of pictures"] < psnr["RGB, bytes that wrap"]


def check_02(metrics: dict, folder: Path) -> None:
    assert metrics["pixels lost"] == pytest.approx({"largest cell": 1.53, "quarter": 0.77}, abs=0.02)
    assert metrics["second bump"] == 1


def check_03(metrics: dict, folder: Path) -> None:
    assert metrics["faces"] == 64
    assert 0 <= metrics["AUC"] <= 1  # of one active face among sixteen
    assert 0 <= metrics["F1"] < metrics["accuracy"] < 1  # it says no


def check_04(metrics: dict, folder: Path) -> None:
    assert metrics == {"parameters": {"x4": 1_876_583, "x8": 4_088_423}, "sees": {"1": 3, "3": 7, "6": 13}}


def check_05(metrics: dict, folder: Path) -> None:
    psnr = metrics["psnr"]
    assert metrics["updates"] == 4
    assert min(psnr["with state"] + psnr["without"]) > psnr["bicubic"] - 1  # it starts .63 below, as bilinear


def check_06(metrics: dict, folder: Path) -> None:
    assert metrics["updates"] == 3
    assert metrics["error of each stack"].keys() == {"original", "16 x 16", "step 1", "no skips"}
    assert all(error > metrics["mean face"] for both in metrics["error of each stack"].values() for error in both)


def check_07(metrics: dict, folder: Path) -> None:
    for rate, best in metrics["best constant"].items():
        assert best["cross-entropy"] == pytest.approx(float(rate), abs=0.002)
        assert best["Dice"] == pytest.approx(float(rate) / 2, abs=0.005)
    assert len(metrics["scores"]) == 4
    assert all(0 <= score["AUC"] <= 1 for (score,) in metrics["scores"].values())


def check_08(metrics: dict, folder: Path) -> None:
    assert 0 < metrics["pixels off"] < 5
    assert metrics["covered"]["AU25"] > 0.4 > 0.15 > metrics["covered"]["AU6"] > 0


def check_09(metrics: dict, folder: Path) -> None:
    assert metrics["parameters"] == {"tiny": 947_558, "small": 3_885_610, "base": 14_965_346, "paper": 22_105_766}
    assert metrics["gradient"]["au"]["perb"] > 5 * metrics["gradient"]["rec"]["perb"]
    assert -1.5 < metrics["priors"]["heatmaps zero"] < 0  # of four faces; of 64 it is -0.36
    assert abs(metrics["priors"]["au_probability zero"]) < 0.1


def check_10(metrics: dict, folder: Path) -> None:
    assert metrics["updates"] == 6
    assert (folder / "run-tiny-0" / "best" / "net.safetensors").is_file()
    assert metrics["psnr"]["step 3"] > metrics["psnr"]["bicubic"] - 1


def check_11(metrics: dict, folder: Path) -> None:
    assert metrics["shift and blur"]["blurred"][1] > 10 * metrics["shift and blur"]["moved by 2"][1]
    assert metrics["updates"] == 2
    assert metrics["shares"]["per"] > 0.5
    one, other = metrics["scores"]["MPENet, step 3"], metrics["scores"]["MPEGAN, step 3"]
    assert one[0] > other[0] > metrics["scores"]["bicubic"][0]  # PSNR falls
    assert one[1] > other[1]  # and the features come closer
    assert (folder / "run" / "best" / "net.safetensors").is_file()


def check_12(metrics: dict, folder: Path) -> None:
    rows = metrics["table 4"]
    assert list(rows) == ["baseline", "+landmarks", "+AUs", "+attention maps"]
    assert all(len(row["psnr"]) == 3 and min(row["psnr"]) > metrics["bicubic"] for row in rows.values())
    assert min(metrics["table 1"].values()) > metrics["bicubic"]
    made = json.loads((folder / "+landmarks-seed0" / "result.json").read_text())  # of the run that it made to try
    assert (made["name"], made["budget"]["updates"]) == ("+landmarks", 2)


def check_13(metrics: dict, folder: Path) -> None:
    assert all(0 < gain < 6 for gain in metrics["gain"].values())
    assert metrics["rise"]["AU26"] > 0.2
    assert metrics["changes"]["mouth open"]["step 3"] < -0.5
    assert all(0 < change < 2 for change in metrics["steered"].values())


CHECKS = {
    "00_start_here": check_00,
    "01_degradation_and_metrics": check_01,
    "02_landmarks_and_heatmaps": check_02,
    "03_action_units_and_imbalance": check_03,
    "04_feedback_block": check_04,
    "05_recurrent_sr_branch": check_05,
    "06_hourglass": check_06,
    "07_au_losses_and_dice": check_07,
    "08_au_attention_maps": check_08,
    "09_assemble_mpenet": check_09,
    "10_train_mpenet": check_10,
    "11_mpegan": check_11,
    "12_ablations_and_tables": check_12,
    "13_explore": check_13,
}


def test_papermill_runs_it_and_its_metrics_hold(notebook: Path, smoke: dict[str, str], tmp_path: Path) -> None:
    parameters = {"profile": "smoke", "output": str(tmp_path)}
    cost = execute(notebook, parameters, tmp_path / notebook.name, smoke)
    CHECKS[notebook.stem](json.loads((tmp_path / "metrics.json").read_text()), tmp_path)
    assert cost.gigabytes <= GIGABYTES
    assert cost.cpu_seconds <= CPU_SECONDS.get(notebook.stem, 40)
