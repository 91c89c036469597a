"""Rows of tables from stored results, worked out by hand, with the paper's figures beside them."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mpe_lib import paper
from mpe_lib.cli import main
from mpe_lib.config import ABLATIONS
from mpe_lib.errors import UserError
from mpe_lib.results import Row, read_results
from mpe_lib.tables import all_tables, spread, table_1, table_2, table_3, table_4, verdict

FACES = 4


def result(
    name: str, seed: int, psnr: list[list[float]], said: str = "1100", fold: int | None = None, tested: str = "abc"
) -> dict[str, Any]:
    """Of four faces: PSNR of bicubic and of each step; AU12 is on the first two, and `said` to be in the last step."""
    pictures = ["bicubic", *(f"step {i}" for i in range(1, len(psnr))), "original"]
    signs = dict.fromkeys(pictures, "0000") | {pictures[-2]: said, "original": "1100"}

    def units(signs: str) -> dict[str, Any]:
        hits, yes = signs[:2].count("1"), signs.count("1")
        right = sum(a == b for a, b in zip(signs, "1100", strict=True))
        return {
            "f1": 2 * hits / (2 + yes),
            "accuracy": right / 4,
            "detected": 1.0,
            "failed": 0,
            "said": {"AU12": signs},
        }

    recognised = {"by": "judge", "labels": {"AU12": "1100"}, "pictures": {p: units(s) for p, s in signs.items()}}
    return {
        "name": name,
        "preset": "tiny",
        "changes": {},
        "seed": seed,
        "fold": fold,
        "budget": {"updates": 2000, "batch": 4},
        "train": {"faces": ["mine"], "n": 100},
        "test": {"faces": ["mine"], "n": FACES, "fingerprint": tested},
        "parameters": 1234,
        "figures": {
            "border": 0,
            "steps": [{}] * (len(psnr) - 1),
            "faces": {"psnr": psnr, "ssim": [[each / 100 for each in row] for row in psnr]},
        },
        "recognised": [recognised],
    }


def rising(name: str, seed: int, *means: float, **more: Any) -> dict[str, Any]:
    """Faces 1 dB apart around each mean, bicubic 25 first."""
    psnr = [[mean + shift for shift in (-1.5, -0.5, 0.5, 1.5)] for mean in (25.0, *means)]
    return result(name, seed, psnr, **more)


def write(folder: Path, *results: Mapping[str, Any]) -> Path:
    folder.mkdir(exist_ok=True)
    for number, each in enumerate(results):
        (folder / f"{number}.json").write_text(json.dumps(each))
    return folder


SYSTEMS = [
    rising("SRCNN", 0, 26.0, said="1000"),
    rising("MPENet", 0, 27.0, 28.0, 28.5),
    rising("MPENet", 1, 27.2, 28.1, 28.3, said="1110"),
]


def cells(table: str, name: str) -> list[str]:
    """The cells of a line."""
    (line,) = (line for line in table.splitlines() if line.startswith(f"| {name} |"))
    return [cell.strip() for cell in line.strip("|").split("|")]


# ---- rows


def test_trainings_of_one_name_are_a_row(tmp_path: Path) -> None:
    rows = read_results(write(tmp_path, *SYSTEMS))
    assert {name: len(row) for name, row in rows.items()} == {"SRCNN": 1, "MPENet": 2}
    full = rows["MPENet"]
    assert full.pictures == ["bicubic", "step 1", "step 2", "step 3"]
    assert full.quality("psnr").mean(1).tolist() == pytest.approx([28.5, 28.3])
    assert full.quality("ssim", "step 1").shape == (2, FACES)
    assert full.units("judge", "f1").tolist() == pytest.approx([100, 80])
    ((said, labels),) = full.said("judge")
    assert said[..., 0].tolist() == [[1, 1, 0, 0], [1, 1, 1, 0]]
    assert labels[:, 0].tolist() == [1, 1, 0, 0]


def test_folds_are_one_training(tmp_path: Path) -> None:
    """Their faces come one after the other; of F1 it is the mean."""
    folds = [
        rising("A", 0, 28.0, fold=2, tested="y", said="1000"),
        rising("A", 0, 27.0, fold=1, tested="x"),
    ]
    (row,) = read_results(write(tmp_path, *folds)).values()
    assert len(row) == 1
    assert row.quality("psnr").tolist() == [[25.5, 26.5, 27.5, 28.5, 26.5, 27.5, 28.5, 29.5]]
    assert row.units("judge", "f1").tolist() == pytest.approx([100 * (1 + 2 / 3) / 2])
    assert [said[0, :, 0].tolist() for said, _ in row.said("judge")] == [[1, 1, 0, 0], [1, 0, 0, 0]]
    assert [labels[:, 0].tolist() for _, labels in row.said("judge")] == [[1, 1, 0, 0]] * 2


def test_what_does_not_belong_together(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="A: seeds were tested on different faces; run what is missing of them"):
        Row("A", [rising("A", 0, 26.0), rising("A", 1, 26.0, tested="other")])
    with pytest.raises(UserError, match="A: two results of seed 0; give different networks different names"):
        Row("A", [rising("A", 0, 26.0), rising("A", 0, 26.0)])
    with pytest.raises(UserError, match="A: results with different preset; give different networks"):
        Row("A", [rising("A", 0, 26.0), rising("A", 1, 26.0) | {"preset": "small"}])
    with pytest.raises(UserError, match="A: results with different budgets; run what is old again"):
        Row("A", [rising("A", 0, 26.0), rising("A", 1, 26.0) | {"budget": {"updates": 1, "batch": 4}}])
    rows = read_results(write(tmp_path, rising("A", 0, 26.0), rising("B", 0, 26.0, tested="other")))
    with pytest.raises(UserError, match="A and B were tested on different faces; keep their results in different"):
        all_tables(rows)
    with pytest.raises(UserError, match="A, seed 0: not looked at by OpenFace; run it again"):
        rows["A"].units("OpenFace", "f1")


def test_names_are_text_on_a_page(tmp_path: Path) -> None:
    one = rising("MPENet", 0, 26, 27)
    one["train"]["faces"] = one["test"]["faces"] = ["<img src=x onerror=alert(1)>", "[a](javascript:b)", "my_faces"]
    one["recognised"][0]["by"] = "<script>"
    (tmp_path / "a.json").write_text(json.dumps(one))
    page = re.sub(r"\\.", "", all_tables(read_results(tmp_path)))  # what is left is Markdown
    assert not set("<>[]`") & set(page)
    assert "my_faces (4 faces)" in page


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"name": "A", "seed": 0}', "no JSON"])
def test_a_file_that_is_no_result(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(UserError, match=r"a\.json: no result of a run \(.*\); name a folder that mpe sweep coll"):
        read_results(tmp_path)


def test_a_folder_without_results(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no result in it"):
        read_results(tmp_path)
    with pytest.raises(UserError, match="no result in it"):
        read_results(tmp_path / "none")


# ---- tables


def test_table_1_by_hand(tmp_path: Path) -> None:
    table = table_1(read_results(write(tmp_path, *SYSTEMS)))
    assert table.startswith("**Table 1**")
    assert cells(table, "bicubic")[1:5] == ["28.67 / 0.7724", "28.88 / 0.8031", "25.00", "0.2500"]
    assert cells(table, "SRCNN")[3:] == ["26.00", "0.2600", "+1.00", "+2.40 (+2.40 to +2.40)", "1,234"]
    # t of 1 degree of freedom is 12.706; half of the interval of 28.5 and 28.3 is 12.706 * .1414 / 1.414
    assert cells(table, "MPENet")[3:7] == ["28.40 ± 1.27", "0.2840", "+3.40", ""]


def test_table_2_by_hand(tmp_path: Path) -> None:
    table = table_2(read_results(write(tmp_path, *SYSTEMS)), "judge")
    assert cells(table, "SRCNN")[1:5] == ["55.74 / 69.79", "39.44 / 73.14", "66.7", "75.0"]
    assert cells(table, "SRCNN")[5].startswith("+23.3 (")  # the mean of 100 and 80, over 66.7
    assert cells(table, "bicubic")[3:5] == ["0.0", "50.0"]
    assert cells(table, "the originals")[3:5] == ["100.0", "100.0"]


def test_table_3_by_hand(tmp_path: Path) -> None:
    table = table_3(read_results(write(tmp_path, *SYSTEMS))["MPENet"])
    assert [cells(table, f"step {number}")[7].partition(" ")[0] for number in (1, 2, 3)] == [
        "+2.100",
        "+0.950",
        "+0.350",
    ]
    assert cells(table, "step 2")[1:5] == ["32.21 / 0.8763", "32.02 / 0.8841", "58.74 / 74.24", "46.02 / 72.83"]


ABLATED = [
    rising(name, seed, gain + 27 + scatter, *([gain + 28 + scatter] * 2))
    for gain, name in zip((0.0, 0.2, 0.1, 0.3), ABLATIONS, strict=True)
    for seed, scatter in enumerate((-0.05, 0.0, 0.05))
]


def test_table_4_by_hand(tmp_path: Path) -> None:
    more = [rising("L1", seed, 27, 28, 28.1) for seed in range(3)]
    rows = read_results(write(tmp_path, *ABLATED, *more))
    table = table_4(rows)
    # t of 2 degrees of freedom, 4.303, times .05 over the root of 3
    assert cells(table, "baseline")[1:4] == ["31.87 / 0.8662", "57.79 / 72.33", "28.000 ± 0.124"]
    assert cells(table, "+AUs")[7:] == ["+landmarks", "-0.100 (-0.100 to -0.100)", "-0.100 (-0.100 to -0.100)"]
    assert cells(table, "L1")[7:9] == ["+attention maps", "-0.200 (-0.200 to -0.200)"]
    assert cells(table, "L1")[9].startswith("-0.200 (-0.324 to -0.076")


def test_seeds_are_paired_by_their_numbers(tmp_path: Path) -> None:
    """The networks are equal with equal seeds; of one of them seed 1 is missing."""
    some = [rising(name, seed, 27, 28, 28 + seed) for name in ABLATIONS for seed in range(3)]
    left = [each for each in some if (each["name"], each["seed"]) != ("+landmarks", 1)]
    found = cells(table_4(read_results(write(tmp_path, *left))), "+landmarks")
    assert found[8:10] == ["+0.000 (+0.000 to +0.000)"] * 2


def test_without_a_common_seed_nothing_is_compared(tmp_path: Path) -> None:
    some = [rising(name, 1 if name == "+AUs" else 0, 27, 28, 28) for name in ABLATIONS]
    table = table_4(read_results(write(tmp_path, *some)))
    assert cells(table, "+landmarks")[7:] == ["baseline", "+0.000 (+0.000 to +0.000)", "+0.000"]
    assert cells(table, "+AUs")[7:] == ["", "", ""]


def test_faces_without_action_units(tmp_path: Path) -> None:
    bare = rising("MPENet", 0, 27.0, 28.0, 28.5)
    for table in bare["recognised"][0]["pictures"].values():
        table |= {"f1": None, "accuracy": None}
    bare["recognised"][0]["labels"] = {"AU12": "????"}
    table = table_2(read_results(write(tmp_path, bare)), "judge")
    assert cells(table, "bicubic")[3:6] == ["n/a", "n/a", "n/a"]


def test_the_verdict_by_hand(tmp_path: Path) -> None:
    rows = read_results(write(tmp_path, *ABLATED))
    assert spread(rows.values()) == pytest.approx(0.05)
    said = verdict(rows)  # 2.306 * .05 * root of 2/3
    assert "scatter by 0.050 dB" in said
    assert "below 0.094 dB" in said
    assert said.endswith("gains +landmarks +0.25 dB could; +AUs +0.03 dB, +attention maps +0.07 dB could not.")
    one = read_results(write(tmp_path / "one", *(each for each in ABLATED if each["seed"] == 0)))
    assert verdict(one) == "Some were trained only once: nothing can be said of how much trainings scatter."


def test_only_tables_that_there_are_rows_for(tmp_path: Path) -> None:
    text = all_tables(read_results(write(tmp_path, *ABLATED)))
    assert text.startswith("Trained on mine (100 faces), 2,000 updates of 4 faces; tested on mine (4 faces). PSNR")
    assert "Table 4" in text
    assert "Table 1" not in text


def test_by_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    systems, ablations = write(tmp_path / "a", *SYSTEMS), write(tmp_path / "b", *ABLATED)
    monkeypatch.setattr("sys.argv", ["mpe", "tables", str(systems), str(ablations)])
    with pytest.raises(SystemExit) as ended:
        main()
    assert not ended.value.code
    out = capsys.readouterr().out
    assert all(f"**Table {number}" in out for number in "1234")


# ---- the paper's own figures


def test_the_paper_s_tables_agree_with_each_other() -> None:
    """MPENet's row is in Tables 1 to 4, and its last step is it."""
    full = paper.SYSTEMS["MPENet"]
    assert paper.STEPS["step 3"] == full
    assert paper.ABLATION["+attention maps"]["BP4D"] == full["BP4D"]
    assert list(paper.ABLATION) == list(ABLATIONS)
    best = max((row["BP4D"].psnr, name) for name, row in paper.SYSTEMS.items() if row)
    assert best == (32.22, "MPENet")
    assert np.diff([row["BP4D"].psnr for row in paper.ABLATION.values()]) == pytest.approx([0.25, 0.03, 0.07])
