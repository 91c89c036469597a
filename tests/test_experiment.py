"""One cell of a table leaves what its figures depend on, and goes on where it was."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from shared import LOOP, TINIER

from mpe_lib.config import ABLATIONS, VARIATIONS, preset
from mpe_lib.errors import UserError
from mpe_lib.evaluate import evaluate, prior_effects
from mpe_lib.experiment import Experiment, run
from mpe_lib.faces.facset import read_faces
from mpe_lib.record import Progress
from mpe_lib.results import read_results
from mpe_lib.sweep import read_sweep
from mpe_lib.tables import all_tables
from mpe_lib.weights import load

SWEEPS = sorted((Path(__file__).parents[1] / "notebooks" / "sweeps").glob("*.yaml"))
CHANGES = TINIER | LOOP


def test_what_a_run_leaves(faces: Path, tmp_path: Path) -> None:
    told: list[Progress] = []
    experiment = Experiment("MPENet", "tiny", [str(faces)], CHANGES, seed=3, judge="judge")
    result = run(experiment, tmp_path / "cell", told.append)
    assert json.loads((tmp_path / "cell" / "result.json").read_text()) == result
    assert len(told) == 4
    assert (result["name"], result["preset"], result["changes"], result["seed"]) == ("MPENet", "tiny", CHANGES, 3)
    assert result["budget"] | {"seconds": 0} == {"updates": 4, "batch": 2, "faces": 8, "seconds": 0}
    assert (result["train"]["n"], result["test"]["n"]) == (12, 2)
    assert result["train"]["faces"] == [faces.name]  # no path of this machine
    net = load(tmp_path / "cell" / "run")
    assert net.config == preset("tiny").replace(CHANGES | {"net.face_scale": 2.5}).net
    assert result["parameters"] == sum(each.numel() for each in net.parameters())
    assert result["figures"] == evaluate(net, read_faces(faces, "test", net.config.aus))
    assert result["border 8"]["border"] == 8
    assert result["priors"] == prior_effects(net, read_faces(faces, "test", net.config.aus))
    (recognised,) = result["recognised"]
    assert recognised["by"] == "judge"
    assert recognised["pictures"]["original"]["per_au"]["AU12"]["n"] == 2

    # again: nothing is trained; and what was trained otherwise is not taken for it
    assert run(experiment, tmp_path / "cell", told.append) == result
    assert len(told) == 4
    with pytest.raises(UserError, match=r"run: was trained with net\.use_aus=True, not False; resume with the same"):
        run(
            replace(experiment, changes=CHANGES | {"net.use_aus": False, "net.use_attention": False}), tmp_path / "cell"
        )
    with pytest.raises(UserError, match=r"run: was trained on other faces; choose another folder"):
        run(replace(experiment, faces=[str(faces), str(faces)]), tmp_path / "cell")


def test_what_would_fail_after_training_fails_before(faces: Path, tmp_path: Path) -> None:
    experiment = Experiment("MPENet", "tiny", [str(faces)], CHANGES)
    for change in ({"judge": "jude"}, {"judge": "small"}, {"openface": str(tmp_path)}, {"faces": [str(tmp_path)]}):
        with pytest.raises(UserError):
            run(replace(experiment, **change), tmp_path / "cell")
    assert not (tmp_path / "cell").exists()


def test_an_interrupted_run_goes_on(faces: Path, tmp_path: Path) -> None:
    def stop(progress: Progress) -> None:
        if progress.update == 3:
            raise InterruptedError

    experiment = Experiment("MPENet", "tiny", [str(faces)], CHANGES)
    whole = run(experiment, tmp_path / "whole")
    with pytest.raises(InterruptedError):
        run(experiment, tmp_path / "halves", stop)
    told: list[Progress] = []
    halves = run(experiment, tmp_path / "halves", told.append)
    assert [each.update for each in told] == [3, 4]
    assert halves["figures"] == whole["figures"]


def test_a_gan_begins_with_another_run(faces: Path, tmp_path: Path) -> None:
    run(Experiment("MPENet", "tiny", [str(faces)], CHANGES), tmp_path / "net")
    more = {
        "train.lambda_adv": 0.001,
        "train.lambda_per": 0.1,
        "train.features": "own",
        "train.discriminator_width": 1 / 16,
    }
    start = str(tmp_path / "net" / "run")
    result = run(Experiment("MPEGAN", "tiny", [str(faces)], CHANGES | more, start=start), tmp_path / "gan")
    assert result["name"] == "MPEGAN"
    assert result["start"] == "net"
    again = Experiment("MPEGAN", "tiny", [str(faces)], CHANGES, start=str(tmp_path / "none"))
    with pytest.raises(UserError, match=r"weights .*none.* not found"):
        run(again, tmp_path / "other")
    (tmp_path / "net" / "run" / "summary.json").unlink()
    with pytest.raises(UserError, match=r"run: has not been trained to its end; run it first"):
        run(replace(again, start=start), tmp_path / "other")


def test_results_make_tables(faces: Path, tmp_path: Path) -> None:
    """From runs to Tables 1 to 3, all in one go: the plumbing, not the figures."""
    rows = {"MPENet": {}, "baseline": {"net.use_landmarks": False, "net.use_aus": False, "net.use_attention": False}}
    for seed in (0, 1):
        for name, changes in rows.items():
            cell = tmp_path / f"{name}-{seed}"
            run(Experiment(name, "tiny", [str(faces)], CHANGES | changes, seed, judge="judge"), cell)
            (tmp_path / "results").mkdir(exist_ok=True)
            (cell / "result.json").rename(tmp_path / "results" / f"{cell.name}.json")
    text = all_tables(read_results(tmp_path / "results"))
    assert "**Table 1**" in text
    assert "**Table 2, in percent, action units recognised by judge**" in text
    assert "**Table 3, MPENet, action units by judge**" in text
    assert f"Trained on {faces.name} (12 faces), 4 updates of 2 faces; tested on {faces.name} (2 faces)." in text


@pytest.mark.parametrize("file", SWEEPS, ids=lambda file: file.stem)
def test_the_grids_of_the_tables_name_what_there_is(file: Path) -> None:
    sweep = read_sweep(file)
    assert sweep.notebook.name == "one_run.ipynb"
    for cell in sweep.cells:
        p = cell.parameters
        changes = {**p.get("schedule", {}), **p.get("changes", {})}
        config = Experiment(p["name"], p["preset"], p["faces"], changes, p["seed"]).config()
        assert config.train.seed == p["seed"]
        assert config.train.updates == changes["train.updates"]


def test_the_grid_of_table_4_is_that_of_the_config() -> None:
    (file,) = (file for file in SWEEPS if file.stem == "ablations")
    cells = {cell.parameters["name"]: cell.parameters for cell in read_sweep(file).cells}
    for name, changes in (ABLATIONS | VARIATIONS).items():
        assert preset("tiny").replace(cells[name].get("changes", {})) == preset("tiny").replace(changes), name
    assert cells.keys() - ABLATIONS.keys() - VARIATIONS.keys() == {"five steps"}
