"""A training learns, stops and goes on without a trace, and refuses what it cannot go on with."""

import csv
import hashlib
import itertools
import json
import math
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from shared import LOOP, TINIER, Trap

from mpe_lib import weights
from mpe_lib.checkpoint import Run
from mpe_lib.config import Config, TrainConfig, preset
from mpe_lib.errors import UserError
from mpe_lib.faces.facset import read_all, read_faces
from mpe_lib.files import alone
from mpe_lib.learner import learning_rate
from mpe_lib.losses import LossTerms, mpe_loss
from mpe_lib.nets import VGGFace, build_model
from mpe_lib.record import Progress, Summary
from mpe_lib.synthetic.people import prepare_synthetic
from mpe_lib.train import train
from mpe_lib.validation import validate

CONFIG = preset("tiny").replace(TINIER | LOOP | {"train.log_every": 1})


def run(
    out: Path,
    faces: Path,
    changes: dict[str, Any] | None = None,
    *,
    resume: bool = False,
    report: Callable[[Progress], None] = lambda _: None,
) -> Summary:
    """Train on the folder `faces`."""
    config = CONFIG.replace(changes or {})
    parts = (read_faces(faces, split, config.net.aus) for split in ("train", "val"))
    return train(config, *parts, out, resume=resume, report=report)


def log(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]


@pytest.fixture(scope="module")
def finished_run(faces: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "finished"
    run(out, faces)
    return out


@pytest.fixture
def finished(finished_run: Path, tmp_path: Path) -> Path:
    """A run of 4 updates, to be spoilt."""
    return Path(shutil.copytree(finished_run, tmp_path / "finished"))


# ---- what a training leaves


def test_two_in_one_folder(finished: Path, faces: Path) -> None:
    before = {path: path.read_bytes() for path in finished.rglob("*") if path.is_file()}
    with alone(finished), pytest.raises(UserError, match=r"is being filled by another process; wait for it"):
        run(finished, faces, resume=True)
    assert {path: path.read_bytes() for path in finished.rglob("*") if path.is_file()} == before


def test_the_folder_of_a_run(finished_run: Path) -> None:
    assert sorted(str(path.relative_to(finished_run)) for path in finished_run.rglob("*.*")) == [
        "best/net.safetensors",
        "config.json",
        "last/average.safetensors",
        "last/net.safetensors",
        "last/sha256.json",
        "last/state.pt",
        "metrics.jsonl",
        "previous/average.safetensors",
        "previous/net.safetensors",
        "previous/sha256.json",
        "previous/state.pt",
        "summary.json",
    ]
    assert Config.from_dict(json.loads((finished_run / "config.json").read_text())) == CONFIG
    lines = log(finished_run)
    assert [line["update"] for line in lines] == [1, 2, 3, 4]
    assert [len(line.get("psnr", [])) for line in lines] == [0, 3, 0, 3]  # validated every second update
    for line in lines:
        parts = line["loss_rec"] + 0.1 * line["loss_align"] + CONFIG.train.lambda_au * line["loss_au"]
        assert line["loss_total"] == pytest.approx(parts, rel=1e-5)
    summary = json.loads((finished_run / "summary.json").read_text())
    assert (summary["update"], summary["finished"]) == (4, True)
    assert summary["best_psnr"] == max(line["psnr"][-1] for line in lines if "psnr" in line)
    assert summary["best_update"] in (2, 4)


def test_the_best_network_is_kept(finished_run: Path, faces: Path) -> None:
    best = weights.load(finished_run)
    assert best.config == CONFIG.net
    scores = validate(best, read_faces(faces, "val", CONFIG.net.aus), 64)
    assert scores[-1] == pytest.approx(max(line["psnr"][-1] for line in log(finished_run) if "psnr" in line), abs=1e-3)


def test_without_validation_faces_the_last_network_is_kept(faces: Path, tmp_path: Path) -> None:
    known, validation = (read_faces(faces, split, CONFIG.net.aus) for split in ("train", "val"))
    out = tmp_path / "run"
    summary = train(CONFIG, known, validation.take(np.arange(0)), out)
    assert (summary.finished, summary.best_psnr, summary.best_update) == (True, None, 4)
    assert "psnr" not in (out / "metrics.jsonl").read_text()
    assert json.loads((out / "summary.json").read_text())["best_psnr"] is None
    best, last = (load_file(out / name) for name in ("best/net.safetensors", "last/average.safetensors"))
    assert all(torch.equal(best[name], tensor) for name, tensor in last.items())


def test_the_state_is_tensors_and_plain_types(finished_run: Path) -> None:
    state = torch.load(finished_run / "last" / "state.pt", weights_only=True)
    assert state["position"]["update"] == 4
    assert state["averaged"] == 4


def test_a_few_updates_lower_the_loss(faces: Path, tmp_path: Path) -> None:
    changes = {"train.updates": 18, "train.lr": 1e-2, "train.schedule": "constant", "train.validate_every": 18}
    run(tmp_path / "run", faces, changes)
    lines = log(tmp_path / "run")
    for term in ("loss_total", "loss_align", "loss_au"):
        first, last = (sum(line[term] for line in part) for part in (lines[:6], lines[-6:]))  # an epoch each
        assert last < 0.95 * first, term


def test_progress_is_reported_after_every_update(faces: Path, tmp_path: Path) -> None:
    seen: list[Progress] = []
    run(tmp_path / "run", faces, report=seen.append)
    assert [(progress.update, progress.updates) for progress in seen] == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert [progress.psnr is not None for progress in seen] == [False, True, False, True]
    assert all(progress.faces_per_second > 0 for progress in seen)
    assert seen[-1].seconds_left == 0


def test_several_face_folders(faces: Path, tmp_path: Path) -> None:
    aus = CONFIG.net.aus
    both = read_all([(faces, None), (faces, None)], "train", aus)
    assert len(both) == 24
    config = CONFIG.replace({"train.updates": 1})
    assert train(config, both, read_all([(faces, None)], "val", aus), tmp_path / "run").finished


def test_photographs_without_labels_and_synthetic_people_with_them_train_together(
    own_faces: Path, tmp_path: Path
) -> None:
    with (own_faces / "metadata.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    for name in (name for name in rows[0] if name[:2] in ("x_", "y_", "AU")):
        for line in rows:
            line[name] = ""
    with (own_faces / "metadata.csv").open("w", newline="") as file:
        table = csv.DictWriter(file, list(rows[0]))
        table.writeheader()
        table.writerows(rows)
    prepare_synthetic(tmp_path / "people", 12, 3)
    aus = CONFIG.net.aus
    sources = [(own_faces, 1.0), (tmp_path / "people", 1.0)]
    known, validation = (read_all(sources, split, aus) for split in ("train", "val"))
    config = CONFIG.replace({"train.log_every": 1, "train.updates": 6, "train.batch": 1})  # most batches hold one kind
    assert train(config, known, validation, tmp_path / "run").finished
    align, au = ([line[f"loss_{name}"] for line in log(tmp_path / "run")] for name in ("align", "au"))
    assert {value == 0 for value in align} == {True, False}
    assert [value == 0 for value in align] == [value == 0 for value in au]


def test_faces_without_any_au_label_train_everything_else(faces: Path, tmp_path: Path) -> None:
    run(tmp_path / "run", faces, {"net.aus": "1,2", "train.updates": 1})  # no such columns there
    (line,) = log(tmp_path / "run")
    assert line["loss_au"] == 0
    assert line["loss_total"] > 0


@pytest.mark.parametrize("off", [{"net.use_aus": False, "net.use_attention": False}, {"net.carry_landmarks": True}])
def test_ablations_train(faces: Path, tmp_path: Path, off: dict[str, Any]) -> None:
    assert run(tmp_path / "run", faces, {"train.updates": 1, **off}).finished


def test_bf16(faces: Path, tmp_path: Path) -> None:
    run(tmp_path / "run", faces, {"train.updates": 1, "train.precision": "bf16"})
    assert all(math.isfinite(line["loss_total"]) for line in log(tmp_path / "run"))
    stored = load_file(tmp_path / "run" / "last" / "net.safetensors")
    assert torch.bfloat16 not in {tensor.dtype for tensor in stored.values()}  # the weights stay fp32


def test_learning_rate_by_hand() -> None:
    cosine = TrainConfig(updates=12, lr=1.0, schedule="cosine", warmup=4)
    rates = [learning_rate(update, cosine) for update in (1, 2, 3, 4, 6, 8, 10, 12)]
    half = math.sqrt(1 / 2)
    assert rates == pytest.approx([0.25, 0.5, 0.75, 1, (1 + half) / 2, 0.5, (1 - half) / 2, 0])
    constant = TrainConfig(updates=12, lr=1.0, warmup=2)
    assert [learning_rate(update, constant) for update in (1, 2, 3, 12)] == [0.5, 1, 1, 1]
    assert learning_rate(1, TrainConfig(lr=1.0)) == 1


# ---- what else it logs


def test_gradient_shares_are_logged_where_it_validates(finished_run: Path) -> None:
    lines = log(finished_run)
    assert ["gradient_shares" in line for line in lines] == [True, True, False, True]  # and at the first update
    for by_term in lines[-1]["gradient_shares"].values():
        assert sum(by_term.values()) == pytest.approx(1)


def test_tensorboard_is_told_the_same(faces: Path, tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    config = CONFIG.replace({})
    parts = (read_faces(faces, split, config.net.aus) for split in ("train", "val"))
    train(config, *parts, tmp_path / "run", tracker="tensorboard")
    events = EventAccumulator(str(tmp_path / "run" / "mpe"))
    events.Reload()
    for name in ("loss_total", "loss_rec", "lr"):
        told = [(event.step, event.value) for event in events.Scalars(name)]
        assert told == [(line["update"], pytest.approx(line[name])) for line in log(tmp_path / "run")]
    assert [event.step for event in events.Scalars("psnr/3")] == [2, 4]
    assert [event.step for event in events.Scalars("gradient_shares/sr/au")] == [1, 2, 4]


@pytest.mark.parametrize(
    ("tracker", "told"),
    [("tensorbord", "no tracker 'tensorbord'; did you mean tensorboard?"), ("wandb", "wandb is not installed; pip")],
)
def test_a_tracker_that_is_not_there(
    faces: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tracker: str, told: str
) -> None:
    monkeypatch.setattr("mpe_lib.train.find_spec", lambda name: None)
    config = CONFIG.replace({})
    parts = (read_faces(faces, split, config.net.aus) for split in ("train", "val"))
    with pytest.raises(UserError, match=told):
        train(config, *parts, tmp_path / "run", tracker=tracker)
    assert not (tmp_path / "run").exists()


# ---- MPEGAN


def test_mpegan_goes_on_from_mpenet(finished_run: Path, faces: Path, tmp_path: Path) -> None:
    config = CONFIG.replace(
        {"train.lambda_per": 0.1, "train.lambda_adv": 0.001, "train.discriminator_width": 1 / 16, "train.lr": 1e-12}
    )
    known, validation = (read_faces(faces, split, config.net.aus) for split in ("train", "val"))
    whole, halved, start = tmp_path / "whole", tmp_path / "halved", weights.load(finished_run)
    options: dict[str, Any] = {"start": start, "features": VGGFace(1 / 16)}
    train(config, known, validation, whole, **options)
    assert log(whole)[1]["psnr"] == pytest.approx(validate(start, validation, 64), abs=1e-3)
    assert {"loss_per", "loss_adv", "loss_dis"} <= log(whole)[-1].keys()
    assert (whole / "last" / "discriminator.safetensors").is_file()
    kept = [(whole / name).read_bytes() for name in ("best/net.safetensors", "last/average.safetensors")]
    assert kept[0] == kept[1]  # not the one of the highest PSNR

    assert not train(config, known, validation, halved, report=interrupt_after(2), **options).finished
    assert train(config, known, validation, halved, resume=True, **options).finished
    for name in ("net", "discriminator", "average"):
        file = Path("last") / f"{name}.safetensors"
        assert (halved / file).read_bytes() == (whole / file).read_bytes()
    states = [flat(torch.load(out / "last" / "state.pt", weights_only=True)["optimizers"]) for out in (whole, halved)]
    assert states[0] == states[1]


def test_mpegan_without_features(faces: Path, tmp_path: Path) -> None:
    told = "train.lambda_per=0.1 needs features to compare; see mpe_lib.features"
    assert refusal(tmp_path / "run", faces, {"train.lambda_per": 0.1}) == told


# ---- losses that are not finite


def broken(at: Callable[[int], bool], monkeypatch: pytest.MonkeyPatch) -> None:
    """Let L_align be no number in the updates that `at` picks."""
    count = itertools.count(1)

    def spoilt(*args: Any, **options: Any) -> LossTerms:
        terms = mpe_loss(*args, **options)
        bad = torch.nan if at(next(count)) else 1.0
        return terms._replace(align=bad * terms.align, total=bad * terms.total)

    monkeypatch.setattr("mpe_lib.learner.mpe_loss", spoilt)


def test_an_update_that_is_not_finite_is_skipped_and_counted(
    faces: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken(lambda update: update in (3, 4, 6), monkeypatch)
    summary = run(tmp_path / "run", faces, {"train.updates": 8, "train.validate_every": 1})
    assert (summary.finished, summary.skipped) == (True, 3)
    lines = [json.loads(line, parse_constant=pytest.fail) for line in (tmp_path / "run/metrics.jsonl").open()]
    assert [line.get("skipped", 0) for line in lines] == [0, 0, 1, 2, 2, 3, 3, 3]
    assert [line["loss_align"] is None for line in lines] == [line["update"] in (3, 4, 6) for line in lines]
    assert ["psnr" in line for line in lines] == [line["update"] not in (3, 4, 6) for line in lines]
    assert json.loads((tmp_path / "run/summary.json").read_text())["skipped"] == 3
    assert torch.load(tmp_path / "run/last/state.pt", weights_only=True)["averaged"] == 5


def test_a_loss_that_stays_not_finite_ends_the_training_in_its_last_good_state(
    faces: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good, bad, changes = tmp_path / "good", tmp_path / "bad", {"train.updates": 12, "train.save_every": 100}
    with monkeypatch.context() as patched:
        broken(lambda update: update > 3, patched)
        line = refusal(bad, faces, changes)
    assert line.startswith(f"updates 4 to 8: L_align is not finite; the last good state is in {bad / 'last'}; ")
    run(good, faces, changes, report=interrupt_after(2))  # stops after update 3
    for name in ("net.safetensors", "average.safetensors"):
        assert (bad / "last" / name).read_bytes() == (good / "last" / name).read_bytes()
    assert run(bad, faces, changes, resume=True).skipped == 5


def test_a_learning_rate_that_is_much_too_high(faces: Path, tmp_path: Path) -> None:
    line = refusal(tmp_path / "run", faces, {"train.lr": 1e30, "train.clip": 0.0, "train.updates": 12})
    assert "not finite; the last good state is in" in line


# ---- interrupted and resumed


def interrupt_after(update: int) -> Callable[[Progress], None]:
    """Press Ctrl-C when this update is reported."""
    return lambda progress: signal.raise_signal(signal.SIGINT) if progress.update == update else None


def flat(value: object) -> list[object]:
    """The leaves of a state, tensors as bytes."""
    if isinstance(value, dict):
        return list(itertools.chain.from_iterable([name, *flat(part)] for name, part in value.items()))
    if isinstance(value, list):
        return list(itertools.chain.from_iterable(flat(part) for part in value))
    return [value.numpy().tobytes() if isinstance(value, torch.Tensor) else value]


def test_a_resumed_training_equals_an_uninterrupted_one_to_the_bit(faces: Path, tmp_path: Path) -> None:
    whole, halved, changes = tmp_path / "whole", tmp_path / "halved", {"train.updates": 6, "train.save_every": 100}
    run(whole, faces, changes)
    first = run(halved, faces, changes, report=interrupt_after(2))
    assert (first.update, first.finished) == (3, False)  # the update under way was finished
    assert not (halved / "summary.json").exists()
    assert run(halved, faces, changes, resume=True).finished

    for name in ("net.safetensors", "average.safetensors"):
        assert (halved / "last" / name).read_bytes() == (whole / "last" / name).read_bytes()
    states = [torch.load(out / "last" / "state.pt", weights_only=True) for out in (whole, halved)]
    a, b = (flat([state["optimizers"], state["averaged"]]) for state in states)
    assert len(a) > 500
    assert a == b
    terms = [[line["loss_total"] for line in log(out)] for out in (whole, halved)]
    assert terms[0] == terms[1]


def test_ctrl_c_is_given_back(faces: Path, tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGINT)
    run(tmp_path / "run", faces, report=interrupt_after(1))
    assert signal.getsignal(signal.SIGINT) == before


@pytest.fixture
def foreground() -> Iterator[None]:
    """Ctrl-C raises KeyboardInterrupt, which a shell takes from what it starts in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("foreground")
def test_a_second_ctrl_c_ends_at_once(faces: Path, tmp_path: Path) -> None:
    def twice(_: Progress) -> None:
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "run", faces, report=twice)


def test_lines_logged_after_the_last_save_are_not_doubled(faces: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"

    def fail(progress: Progress) -> None:
        if progress.update == 4:
            raise RuntimeError("the power went out")

    with pytest.raises(RuntimeError):
        run(out, faces, report=fail)  # saved after update 2, logged until 3
    with (out / "metrics.jsonl").open("a") as file:
        file.write('{"update": 4, "lo')
    run(out, faces, resume=True)
    assert [line["update"] for line in log(out)] == [1, 2, 3, 4]


def test_what_changes_no_update_may_change_on_the_way(finished: Path, faces: Path) -> None:
    free = {"train.workers": 1, "train.log_every": 3, "train.save_every": 7, "train.validate_faces": 1}
    assert run(finished, faces, free, resume=True).finished


def test_a_run_is_resumed_with_its_own_faces(finished: Path, faces: Path) -> None:
    config = CONFIG.replace({})
    known, validation = (read_faces(faces, split, config.net.aus) for split in ("train", "val"))
    with pytest.raises(UserError, match="was trained on other faces; resume with the same --faces"):
        train(config, known.weighted(2.0), validation, finished, resume=True)
    assert train(config, known, validation, finished, resume=True).finished


def test_validation_looks_at_faces_from_all_over(faces: Path) -> None:
    known = read_faces(faces, "train", CONFIG.net.aus)
    net = build_model(CONFIG.net).train()
    ends = validate(net, known.take(np.array([0, len(known) - 1])), 64)
    assert validate(net, known, 2) == pytest.approx(ends)
    assert net.training


def test_a_finished_run_resumed_stays_as_it_is(finished: Path, faces: Path) -> None:
    summary = (finished / "summary.json").read_text()
    assert run(finished, faces, resume=True).finished
    assert (finished / "summary.json").read_text() == summary


def test_a_checkpoint_is_on_the_disk_before_it_takes_the_place_of_another(
    faces: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settled, kept, rename = set[str](), os.fsync, Path.rename

    def fsync(descriptor: int) -> None:
        settled.add(os.readlink(f"/proc/self/fd/{descriptor}"))
        kept(descriptor)

    def renamed(path: Path, target: Path) -> Path:
        if path.name == "last.new":
            assert {str(path), *map(str, path.iterdir())} <= settled
            settled.clear()
        return rename(path, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(Path, "rename", renamed)
    out = tmp_path / "run"
    run(out, faces)
    assert str(out) in settled


@pytest.mark.parametrize("name", ["metrics.jsonl", "config.json", "best/net.safetensors", "previous"])
def test_a_run_that_is_gone_on_with_holds_no_link(finished: Path, faces: Path, tmp_path: Path, name: str) -> None:
    mine = tmp_path / "mine"
    (finished / name).rename(mine)
    (finished / name).symlink_to(mine)
    with pytest.raises(UserError, match=f"{name} is a link; "):
        run(finished, faces, resume=True)
    (finished / name).unlink()
    mine.rename(finished / name)
    (finished / "wandb").symlink_to(tmp_path)  # a tracker's
    assert run(finished, faces, resume=True).finished


def test_killed_while_last_is_replaced(finished: Path, faces: Path) -> None:
    shutil.rmtree(finished / "previous")
    (finished / "last").rename(finished / "previous")
    shutil.copytree(finished / "previous", finished / "last.new")
    (finished / "last.new" / "state.pt").unlink()
    assert run(finished, faces, resume=True).update == 4


def test_killed_before_anything_was_saved(faces: Path, tmp_path: Path) -> None:
    def fail(_: Progress) -> None:
        raise RuntimeError("the power went out")

    with pytest.raises(RuntimeError):
        run(tmp_path / "run", faces, report=fail)
    run(tmp_path / "run", faces)
    assert [line["update"] for line in log(tmp_path / "run")] == [1, 2, 3, 4]


# ---- what is refused


def refusal(*args: Any, **options: Any) -> str:
    with pytest.raises(UserError) as caught:
        run(*args, **options)
    line = str(caught.value)
    assert "\n" not in line
    assert "; " in line  # the remedy
    return line


def contents(out: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in out.rglob("*.*")}


def test_an_existing_run_is_not_overwritten(finished_run: Path, faces: Path) -> None:
    before = contents(finished_run)
    assert refusal(finished_run, faces) == f"{finished_run}: holds a run already; --resume it, or choose another folder"
    assert contents(finished_run) == before


def test_a_run_needs_a_folder(faces: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert "cannot write" in refusal(tmp_path / "file", faces)
    assert "cannot write" in refusal(tmp_path / "file" / "below", faces)


def test_nothing_to_resume(faces: Path, tmp_path: Path) -> None:
    assert "no last/ to resume from" in refusal(tmp_path / "run", faces, resume=True)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"train.lr": 0.5}, "was trained with train.lr=0.001, not 0.5; "),
        ({"net.channels": 8}, "was trained with net.channels=4, not 8; "),
        ({"net.aus": "1,2"}, "was trained with net.aus=[1, 2, 4, 6, 9, 12, 25, 26], not [1, 2]; "),
    ],
)
def test_resuming_with_another_config(finished_run: Path, faces: Path, changes: dict[str, Any], told: str) -> None:
    assert told in refusal(finished_run, faces, changes, resume=True)


SPOIL: list[Callable[[Path], object]] = [
    Path.unlink,
    lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    lambda path: path.write_bytes(path.read_bytes()[:-1] + bytes([path.read_bytes()[-1] ^ 1])),  # one bit
]


@pytest.mark.parametrize("name", ["net.safetensors", "average.safetensors", "state.pt", "sha256.json"])
@pytest.mark.parametrize("spoil", SPOIL)
def test_where_last_is_damaged_the_one_before_is_used(
    finished: Path, finished_run: Path, faces: Path, name: str, spoil: Callable[[Path], object]
) -> None:
    spoil(finished / "last" / name)
    seen: list[int] = []
    run(finished, faces, resume=True, report=lambda progress: seen.append(progress.update))
    assert seen == [3, 4]  # the one before was of update 2
    for file in ("net.safetensors", "average.safetensors"):
        assert (finished / "last" / file).read_bytes() == (finished_run / "last" / file).read_bytes()
    assert [line["update"] for line in log(finished)] == [1, 2, 3, 4]


def test_all_checkpoints_are_damaged(finished: Path, faces: Path) -> None:
    for folder in ("last", "previous"):
        (finished / folder / "state.pt").write_bytes(b"")
    assert refusal(finished, faces, resume=True).endswith("last/ and previous/ are damaged; start another run")


def test_a_state_that_would_run_code(finished: Path, faces: Path, tmp_path: Path) -> None:
    torch.save(Trap(tmp_path / "sprung"), finished / "last" / "state.pt")
    sums = json.loads((finished / "last" / "sha256.json").read_text())
    sums["state.pt"] = hashlib.sha256((finished / "last" / "state.pt").read_bytes()).hexdigest()
    (finished / "last" / "sha256.json").write_text(json.dumps(sums))
    assert "cannot be read" in refusal(finished, faces, resume=True)
    assert not (tmp_path / "sprung").exists()
    torch.load(finished / "last" / "state.pt", weights_only=False)
    assert (tmp_path / "sprung").exists()  # so the trap does work


@pytest.mark.parametrize("content", [None, b"", b"{", b"[]", b'{"net": {"chanels": 3}}', b"\xff\xfe{}"])
def test_a_damaged_config(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "config.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError, match=r"config\.json: no config to read \(.*\); name the folder of a run"):
        Run(tmp_path).config()


# ---- damaged pictures


def cut_off(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:1000])


@pytest.mark.parametrize("workers", [0, 1])
def test_damaged_pictures_are_told_and_the_training_can_begin_again(
    own_faces: Path, faces: Path, tmp_path: Path, workers: int
) -> None:
    for path in read_faces(own_faces, "train", ()).paths:
        cut_off(path)
    changes = {"train.workers": workers, "train.updates": 1}
    line = refusal(tmp_path / "run", own_faces, changes)
    assert line.startswith(f"2 of 12 faces cannot be read, more than a tenth; the last: {own_faces}")
    assert ".png cannot be decoded (" in line
    assert "Traceback" not in line
    assert run(tmp_path / "run", faces, changes).finished


@pytest.mark.parametrize("workers", [0, 2])
def test_another_face_stands_for_a_damaged_one(own_faces: Path, tmp_path: Path, workers: int) -> None:
    paths = read_faces(own_faces, "train", ()).paths
    cut_off(paths[3])
    told: list[tuple[str, ...]] = []
    summary = run(
        tmp_path / "run",
        own_faces,
        {"train.workers": workers, "train.updates": 12},  # two epochs
        report=lambda progress: told.append(progress.damaged),
    )
    assert (summary.update, summary.damaged) == (12, 1)
    (line,) = told[-1]
    assert line.startswith(f"{paths[3]} cannot be decoded (")
    counts = list(map(len, told))
    assert counts == sorted(counts)  # told when it was met
    assert counts[0] == 0
    assert [each.get("damaged", 0) for each in log(tmp_path / "run")] == counts
    assert json.loads((tmp_path / "run" / "summary.json").read_text())["damaged"] == 1


def test_a_training_with_a_damaged_face_is_resumed_to_the_bit(own_faces: Path, tmp_path: Path) -> None:
    cut_off(read_faces(own_faces, "train", ()).paths[3])
    whole, halved, changes = tmp_path / "whole", tmp_path / "halved", {"train.updates": 12, "train.workers": 1}
    run(whole, own_faces, changes)
    first = run(halved, own_faces, changes, report=interrupt_after(6))  # the first epoch is at its end
    assert first.damaged == 1
    assert run(halved, own_faces, changes, resume=True).damaged == 1
    for name in ("net.safetensors", "average.safetensors"):
        assert (halved / "last" / name).read_bytes() == (whole / "last" / name).read_bytes()
    counted = [[each.get("damaged", 0) for each in log(out)] for out in (whole, halved)]
    assert counted[0] == counted[1]


def test_a_damaged_face_to_validate_on_is_no_other_s(own_faces: Path, tmp_path: Path) -> None:
    path = read_faces(own_faces, "val", ()).paths[0]
    picture = path.read_bytes()
    cut_off(path)
    assert refusal(tmp_path / "run", own_faces, {"train.save_every": 1}).startswith(f"{path} cannot be decoded (")
    path.write_bytes(picture)
    assert run(tmp_path / "run", own_faces, {"train.save_every": 1}, resume=True).finished


@pytest.mark.parametrize(
    ("changes", "remedy"),
    [
        ({}, "--set train.batch=1 or train.recompute=True"),
        ({"train.recompute": True}, "--set train.batch=1"),
        ({"train.batch": 1}, "--set train.recompute=True"),
        ({"train.batch": 1, "train.recompute": True}, "choose a smaller preset"),
    ],
)
def test_too_little_memory_is_told_with_what_takes_less(
    faces: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], remedy: str
) -> None:
    def too_much(*_: Any, **__: Any) -> LossTerms:
        torch.empty(2**52, dtype=torch.uint8)  # as the CPU says it itself
        raise AssertionError

    monkeypatch.setattr("mpe_lib.learner.mpe_loss", too_much)
    batch = changes.get("train.batch", 2)
    told = f"not enough memory for train.batch={batch}; {remedy}"
    assert refusal(tmp_path / "run", faces, changes) == told


@pytest.mark.parametrize(
    "error",
    [
        torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
        RuntimeError("CUDA error: out of memory"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
        RuntimeError("MPS backend out of memory (MPS allocated: 9.06 GB)"),
        MemoryError(),
    ],
)
def test_too_little_memory_is_known_by_each_of_its_names(
    faces: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr("mpe_lib.learner.build_model", fail)  # before the first update, where the GPU is full already
    assert refusal(tmp_path / "run", faces).startswith("not enough memory for train.batch=2; ")


def test_another_error_of_an_update_stays_what_it_is(
    faces: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mpe_lib.learner.mpe_loss", lambda *_, **__: torch.zeros(2) @ torch.zeros(3))
    with pytest.raises(RuntimeError, match="inconsistent tensor size"):
        run(tmp_path / "run", faces)
