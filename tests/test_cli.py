"""The command line does what it says, and tells every error in one line."""

import errno
import json
import os
import shutil
import signal
import struct
import subprocess
import sys
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch
from PIL import Image
from shared import TINIER

import mpe_lib
from mpe_lib import weights
from mpe_lib.cli import main
from mpe_lib.config import preset
from mpe_lib.faces.astronaut import astronaut as picture_of_her
from mpe_lib.faces.tables import labels, read_table
from mpe_lib.nets import MPENet, build_model
from mpe_lib.photograph import restore

ROOT = Path(__file__).parents[1]
HER = picture_of_her()
SINGLE = ["bicubic", "input", "original", "sheet", "step1", "step2", "step3"]


class Result(NamedTuple):
    code: object
    out: str
    err: str


Mpe = Callable[..., Result]


@pytest.fixture
def mpe(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Mpe:
    """The command line, in this process."""

    def call(*args: object) -> Result:
        monkeypatch.setattr(sys, "argv", ["mpe", *map(str, args)])
        with pytest.raises(SystemExit) as ended:
            main()
        return Result(ended.value.code or 0, *capsys.readouterr())

    return call


def start(*args: object, cwd: Path) -> "subprocess.Popen[str]":
    """The command line as installed."""
    command = [str(Path(sys.executable).with_name("mpe")), *map(str, args)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=cwd, env=environment, stdout=pipe, stderr=pipe, text=True)


def python(code: str) -> str:
    """What a new Python prints."""
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def one_line(result: Result) -> str:
    """The error of a call that did nothing else."""
    assert result.code == 2
    assert result.out == ""
    assert result.err.startswith("mpe: ")
    assert result.err.count("\n") == 1
    assert "; " in result.err  # the remedy
    return result.err.strip()


# ---- restore


def test_restore_does_what_it_can_and_reports_the_rest(
    astronaut: Path, tiny: MPENet, tiny_file: Path, tmp_path: Path
) -> None:
    (tmp_path / "notes.png").write_text("no picture")
    process = start("restore", "notes.png", astronaut, "--out", "out", "--weights", tiny_file, cwd=tmp_path)
    out, err = process.communicate()
    assert process.returncode == 1
    assert files(tmp_path / "out") == [f"astronaut/face1_{what}.png" for what in SINGLE]
    (line,) = out.splitlines()
    assert line.startswith(f"{astronaut} face 1: bicubic 2")
    assert line.endswith("dB -> out/astronaut/face1_sheet.png")
    (line,) = err.splitlines()
    assert line.startswith("mpe: notes.png is not a picture in a known format; ")

    (face,) = restore(astronaut, tiny)
    for what, picture in {"input": face.lr, "original": face.original}.items():
        np.testing.assert_array_equal(Image.open(tmp_path / "out" / "astronaut" / f"face1_{what}.png"), picture)
    with Image.open(tmp_path / "out" / "astronaut" / "face1_step3.png") as step:
        assert step.size == (128, 128)
    with Image.open(tmp_path / "out" / "astronaut" / "face1_sheet.png") as sheet:
        assert sheet.width > 1000
        assert np.asarray(sheet).std() > 20  # something is drawn


def test_photographs_of_one_name_do_not_overwrite_each_other(
    mpe: Mpe, astronaut: Path, tiny_file: Path, tmp_path: Path
) -> None:
    thumbnail = Image.fromarray(HER[80:176, 176:272]).resize((32, 32))
    photographs = [tmp_path / name for name in ("a.png", "b/a.png", "a-2.png", "...png")]
    for photograph in photographs:
        photograph.parent.mkdir(exist_ok=True)
        thumbnail.save(photograph, format="PNG")
    result = mpe("restore", *photographs, "--as-is", "--out", tmp_path / "out", "--weights", tiny_file)
    assert (result.code, result.err) == (0, "")
    assert sorted(os.listdir(tmp_path / "out")) == ["a", "a-2", "a-2-2", "photo"]
    assert files(tmp_path / "out" / "a-2-2") == [f"face1_{what}.png" for what in SINGLE if what != "original"]
    assert result.out.count("taken as it is") == 4


def test_one_face_cut_off_and_one_whole_is_some(mpe: Mpe, tiny_file: Path, tmp_path: Path) -> None:
    Image.fromarray(np.hstack([HER, HER[:, :270]])).save(tmp_path / "group.png")
    result = mpe("restore", tmp_path / "group.png", "--out", tmp_path / "out", "--weights", tiny_file)
    assert result.code == 1
    assert files(tmp_path / "out") == [f"group/face1_{what}.png" for what in SINGLE]
    assert result.err.startswith(f"mpe: {tmp_path / 'group.png'}: 1")
    assert "of the square around the face is outside the picture; " in result.err


def test_a_file_name_that_is_no_text(mpe: Mpe, tiny_file: Path, tmp_path: Path) -> None:
    photograph = tmp_path / os.fsdecode(b"caf\xe9.png")
    Image.fromarray(HER[80:176, 176:272]).resize((16, 16)).save(photograph)
    result = mpe("restore", photograph, "--as-is", "--out", tmp_path / "out", "--weights", tiny_file)
    assert result.code == 0
    assert r"caf\udce9.png face 1: " in result.out
    assert len(files(tmp_path / "out")) == 6


def bomb(path: Path) -> None:
    """A PNG whose header claims 400 megapixels."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 20_000, 20_000, 8, 2, 0, 0, 0))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b""))


def truncated(path: Path) -> None:
    Image.fromarray(HER).save(path)
    path.write_bytes(path.read_bytes()[:5000])


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda path: None, "does not exist; "),
        (Path.touch, "is empty; "),
        (Path.mkdir, "is a folder or a device; "),
        (lambda path: path.write_text("not a picture"), "is not a picture in a known format; "),
        (truncated, "cannot be decoded ("),
        (bomb, "has more than 50 megapixels; "),
        (lambda path: Image.new("RGB", (1, 1)).save(path), "no face found; "),
        (lambda path: Image.fromarray(HER[:80]).save(path), "no face found; "),
        (lambda path: Image.fromarray(HER[:, :270]).save(path), "is outside the picture; "),
    ],
    ids=["missing", "empty", "folder", "text", "truncated", "bomb", "1x1", "no face", "cut off"],
)
def test_a_bad_picture(mpe: Mpe, tiny_file: Path, tmp_path: Path, make: Callable[[Path], object], told: str) -> None:
    make(tmp_path / "bad.png")
    line = one_line(mpe("restore", tmp_path / "bad.png", "--out", tmp_path / "out", "--weights", tiny_file))
    assert str(tmp_path / "bad.png") in line
    assert told in line
    assert not (tmp_path / "out").exists()


def test_out_is_a_file(mpe: Mpe, astronaut: Path, tiny_file: Path, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine")
    line = one_line(mpe("restore", astronaut, "--out", tmp_path / "out", "--weights", tiny_file))
    assert f"cannot write {tmp_path / 'out'}" in line
    assert (tmp_path / "out").read_text() == "mine"


def test_a_full_disk(
    mpe: Mpe, astronaut: Path, tiny_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "replace", refuse)
    line = one_line(mpe("restore", astronaut, "--out", tmp_path / "out", "--weights", tiny_file))
    assert f"cannot write {tmp_path / 'out'}" in line
    assert "No space left on device; " in line
    assert files(tmp_path / "out") == []


def test_weights_are_looked_at_before_any_picture(mpe: Mpe, astronaut: Path, tmp_path: Path) -> None:
    arguments = ["restore", astronaut, "--out", tmp_path / "out", "--weights"]
    (tmp_path / "bad.safetensors").write_bytes(b"bad")
    (tmp_path / "run").mkdir()
    assert "weights 'smal' not found; " in one_line(mpe(*arguments, "smal"))
    assert "damaged, or no safetensors file" in one_line(mpe(*arguments, tmp_path / "bad.safetensors"))
    assert "no best/net.safetensors in this folder" in one_line(mpe(*arguments, tmp_path / "run"))
    assert not (tmp_path / "out").exists()


# ---- evaluate


@pytest.fixture(scope="module")
def fitting(tiny: MPENet, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights for faces cut as those of the face folder are."""
    path = tmp_path_factory.mktemp("weights") / "fitting.safetensors"
    weights.save(path, tiny.state_dict(), preset("tiny").replace({"net.face_scale": 2.5}))
    return path


def test_evaluate_names_faces_cut_otherwise(mpe: Mpe, faces: Path, tiny_file: Path) -> None:
    result = mpe("evaluate", "--faces", faces, "--weights", tiny_file)
    assert result.code == 0
    assert result.err == f"mpe: the faces are cut at scale 2.5, {tiny_file} was trained at 2.9\n"


def test_evaluate_prints_a_table_and_writes_json(mpe: Mpe, faces: Path, fitting: Path, tmp_path: Path) -> None:
    path = tmp_path / "new" / "figures.json"
    result = mpe("evaluate", "--faces", faces, "--weights", fitting, "--border", 8, "--json", path)
    assert (result.code, result.err) == (0, "")
    lines = result.out.splitlines()
    assert lines[:2] == ["2 faces", "border 8    PSNR dB     SSIM      over bicubic"]
    assert [line.split("  ")[0] for line in lines[2:6]] == ["bicubic", "step 1", "step 2", "step 3"]
    assert any(line.startswith("AU4 ") and "F1   n/a" in line and "positive 0 of 2" in line for line in lines)

    figures = json.loads(path.read_text())
    assert set(figures) == {"n", "border", "bicubic", "steps", "landmark_nme", "au", "faces", "recognised"}
    assert (figures["n"], figures["border"], len(figures["steps"])) == (2, 8, 3)
    assert set(figures["au"]) == {"f1", "accuracy", "per_au"}
    assert f"{figures['steps'][2]['psnr']:.2f}" in lines[5]


def test_evaluate_a_picture_that_is_restored_perfectly(
    mpe: Mpe, own_faces: Path, fitting: Path, tmp_path: Path
) -> None:
    for path in own_faces.glob("*.png"):
        Image.new("RGB", (144, 144), (90, 120, 40)).save(path)
    path = tmp_path / "figures.json"
    result = mpe("evaluate", "--faces", own_faces, "--weights", fitting, "--json", path)
    assert (result.code, result.err) == (0, "")
    assert json.loads(path.read_text(), parse_constant=pytest.fail)["bicubic"]["psnr"] is None


def test_evaluate_several_folders_and_another_split(mpe: Mpe, faces: Path, fitting: Path) -> None:
    result = mpe("evaluate", "--faces", faces, "--faces", faces, "--split", "val", "--weights", fitting)
    assert result.out.startswith("4 faces\nborder 0 ")


def test_evaluate_on_a_broken_folder(mpe: Mpe, own_faces: Path, fitting: Path, tmp_path: Path) -> None:
    def call() -> str:
        json_file = tmp_path / "figures.json"
        line = one_line(mpe("evaluate", "--faces", own_faces, "--weights", fitting, "--json", json_file))
        assert str(own_faces) in line
        assert not json_file.exists()
        return line

    (own_faces / "001.png").write_text("no picture")
    assert "001.png is not a picture" in call()
    (own_faces / "001.png").unlink()
    assert "metadata.csv:3: picture '001.png' is missing" in call()
    (own_faces / "metadata.csv").write_text("file_name,split,y_0\n")
    assert "no column x_0" in call()
    shutil.rmtree(own_faces)
    assert "metadata.csv: not found" in call()


def test_evaluate_by_a_judge_and_by_openface(
    mpe: Mpe, faces: Path, fitting: Path, openface: Path, tmp_path: Path
) -> None:
    torch.manual_seed(0)
    small = preset("judge-small").replace({"net.au_width": 1 / 16, "net.face_scale": 2.5})
    weights.save(tmp_path / "judge.safetensors", build_model(small.net).state_dict(), small)
    by = ["--judge", tmp_path / "judge.safetensors", "--openface", openface]
    path = tmp_path / "figures.json"
    result = mpe("evaluate", "--faces", faces, "--weights", fitting, *by, "--json", path)
    assert (result.code, result.err) == (0, "")
    judge, program = json.loads(path.read_text())["recognised"]
    assert judge["by"] == f"judge {tmp_path / 'judge.safetensors'}"
    assert program["by"] == "OpenFace"
    for recognised in (judge, program):
        line = next(line for line in result.out.splitlines() if line.startswith(recognised["by"]))
        assert line.endswith("AU F1  accuracy  faces found")


def test_evaluate_names_a_judge_of_faces_cut_otherwise(mpe: Mpe, faces: Path, fitting: Path, tmp_path: Path) -> None:
    judge = tmp_path / "judge.safetensors"
    small = preset("judge-small").replace({"net.au_width": 1 / 16})
    weights.save(judge, build_model(small.net).state_dict(), small)
    result = mpe("evaluate", "--faces", faces, "--weights", fitting, "--judge", judge)
    assert result.code == 0
    assert result.err == f"mpe: the faces are cut at scale 2.5, judge {judge} was trained at 2.9\n"


def test_evaluate_by_who_is_no_judge(mpe: Mpe, faces: Path, fitting: Path, tmp_path: Path) -> None:
    call = ["evaluate", "--faces", faces, "--weights", fitting]
    line = one_line(mpe(*call, "--judge", fitting))
    assert line.endswith(f"{fitting}: weights of mpenet, not of a judge; take those called judge")
    assert f"{tmp_path}: no program FaceLandmarkImg" in one_line(mpe(*call, "--openface", tmp_path))


def test_json_cannot_be_written(mpe: Mpe, faces: Path, fitting: Path, tmp_path: Path) -> None:
    result = mpe("evaluate", "--faces", faces, "--weights", fitting, "--json", tmp_path)
    assert result.code == 2
    assert result.err.startswith(f"mpe: cannot write {tmp_path}: ")


# ---- train


def test_train_stops_on_ctrl_c_and_resumes(mpe: Mpe, faces: Path, tmp_path: Path) -> None:
    sets = [f"--set={name}={value}" for name, value in TINIER.items()]
    sets += ["--set=train.batch=2", "--set=train.log_every=1", "--updates=20"]
    arguments = ["train", "--preset", "tiny", "--faces", faces, "--out", tmp_path / "run", *sets]
    log = tmp_path / "run" / "metrics.jsonl"

    process = start(*arguments, cwd=tmp_path)
    while process.poll() is None and not log.exists():
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate()
    assert process.returncode == 130
    assert out == ""
    done = len(log.read_text().splitlines())
    line = f"mpe: stopped after update {done}, nothing lost; go on with the same command and --resume"
    assert err.splitlines()[-1] == line
    assert files(tmp_path / "run" / "last") == ["average.safetensors", "net.safetensors", "sha256.json", "state.pt"]

    assert mpe(*arguments, "--resume").code == 0
    assert [json.loads(line)["update"] for line in log.read_text().splitlines()] == list(range(1, 21))


def test_train_to_the_end(mpe: Mpe, faces: Path, tmp_path: Path) -> None:
    arguments = ["train", "--preset", "tiny", "--faces", faces, "--out", tmp_path / "run"]
    result = mpe(*arguments, "--updates", 1, "--set", "train.batch=1", "--set", "net.aus=6,12")
    assert result.code == 0
    assert result.out.startswith(f"{tmp_path / 'run'}: best 2")
    assert "update 1: PSNR by step " in result.err
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    assert (config["train"]["updates"], config["train"]["batch"], config["net"]["aus"]) == (1, 1, [6, 12])
    assert config["net"]["face_scale"] == 2.5  # as the faces were cut
    assert "holds a run already; --resume it" in one_line(mpe(*arguments, "--set", "net.aus=6,12"))


def test_train_with_a_damaged_face(mpe: Mpe, own_faces: Path, tmp_path: Path) -> None:
    path = own_faces / "002.png"
    path.write_bytes(b"")
    sets = ["--set=train.batch=12", "--set=train.log_every=1"]
    arguments = ["train", "--preset", "tiny", "--faces", own_faces, "--out", tmp_path / "run", "--set=net.aus=6,12"]
    result = mpe(*arguments, "--updates", 2, *sets)
    assert result.code == 0
    assert result.err.splitlines()[0] == f"mpe: {path} is empty; copy it again from its source"
    assert result.err.count(str(path)) == 1
    assert result.out.endswith(", 1 of the faces damaged and replaced\n")


def test_train_without_validation_faces(mpe: Mpe, faces: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(faces, tmp_path / "faces"))
    table = folder / "metadata.csv"
    table.write_text(table.read_text().replace(",val,", ",train,"))
    arguments = ["train", "--preset", "tiny", "--faces", folder, "--out", tmp_path / "run"]
    result = mpe(*arguments, "--updates", 1, "--set", "train.batch=1", "--set", "net.aus=6,12")
    assert result.code == 0
    assert result.out.startswith(f"{tmp_path / 'run'}: the last network is kept, ")
    assert "no face in split 'val': nothing is validated" in result.err
    assert mpe("evaluate", "--faces", folder, "--weights", tmp_path / "run").code == 0


def test_units_that_nobody_shows_are_named(mpe: Mpe, faces: Path, tmp_path: Path) -> None:
    (tmp_path / "run").write_text("in the way")
    result = mpe("train", "--preset", "tiny", "--faces", faces, "--out", tmp_path / "run", "--set", "net.aus=4,6,26")
    assert "mpe: AU4, AU26: not learned, for no face is labelled to show it\n" in result.err


@pytest.mark.parametrize("supported", [True, False])
def test_bf16_on_a_processor_without_it_is_warned_of(
    mpe: Mpe, faces: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, supported: bool
) -> None:
    (tmp_path / "run").write_text("in the way")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", lambda: supported)
    arguments = ["train", "--preset", "tiny", "--faces", faces, "--out", tmp_path / "run", "--set", "net.aus=6,12"]
    warning = "mpe: bf16 takes many times as long as fp32 on this processor; use --set train.precision=fp32\n"
    assert warning not in mpe(*arguments).err
    assert (warning in mpe(*arguments, "--set", "train.precision=bf16").err) is not supported


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--preset", "smal"], "unknown preset 'smal'; did you mean small or "),
        (["--set", "train.lrr=1"], "unknown field 'train.lrr'; did you mean train.lr "),
        (["--set", "lr=1"], "unknown field 'lr'; "),
        (["--set", "train.lr"], "--set train.lr has no value; "),
        (["--set", "train.lr=fast"], "train.lr='fast' is not a float; "),
        (["--set", "train.batch=1.5"], "train.batch=1.5 is not a int; "),
        (["--set", "train.precision=fp8"], "train.precision='fp8' is not a choice; "),
        (["--set", "net.aus=smile"], "net.aus='smile' names no action units; "),
        (["--set", "net.iterations=1"], "iterations=1 is too few"),
        (["--faces", "nowhere"], "nowhere/metadata.csv: not found; "),
        (["--resume", "--set", "net.aus=6,12"], "no last/ to resume from; "),
        (["--set", "net.face_scale=2.9"], "net.face_scale=2.9, but the faces are cut at 2.5; leave it out"),
        (["--updates", "0"], "Invalid value for '--updates'"),
        (["--fold", "4"], "Invalid value for '--fold'"),
        (["--fold", "2"], "no column fold2; "),
        (["--start", "smal"], "weights 'smal' not found; did you mean small"),
        (
            ["--start", "small", "--preset", "tiny", "--set", "net.aus=6,12"],
            "the weights to start with have channels=32, which does not go into channels=16; ",
        ),
        (["--start", "small", "--preset", "small", "--set", "net.aus=6,12"], "the weights to start with have aus=("),
        (["--tracker", "wandbb", "--set", "net.aus=6,12"], "no tracker 'wandbb'; did you mean wandb?"),
        (["--preset", "mpegan"], "the perceptual loss compares faces by VGG-Face, which mpe_lib does not hold; "),
    ],
)
def test_a_wrong_training(mpe: Mpe, faces: Path, tmp_path: Path, arguments: list[str], told: str) -> None:
    assert told in one_line(mpe("train", "--faces", faces, "--out", tmp_path / "run", *arguments))
    assert not (tmp_path / "run").exists()


def test_out_of_a_training_is_a_file(mpe: Mpe, faces: Path, tmp_path: Path) -> None:
    (tmp_path / "run").write_text("mine")
    sets = ("--updates", 1, "--set", "net.aus=6,12")
    call = mpe("train", "--preset", "tiny", "--faces", faces, "--out", tmp_path / "run", *sets)
    assert f"cannot write {tmp_path / 'run'}" in one_line(call)
    assert (tmp_path / "run").read_text() == "mine"


# ---- openface


def test_openface_labels_photographs(mpe: Mpe, openface: Path, tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    for name in ("a/smile.png", "b/smile.png", "b/plain.jpg", "none.png"):
        (photos / name).parent.mkdir(parents=True, exist_ok=True)
        (photos / name).write_bytes(b"a picture")
    (photos / "notes.txt").write_text("no picture")
    result = mpe("openface", photos, "--out", photos / "aus.csv", "--openface", openface)
    assert (result.code, result.err) == (0, "")
    assert result.out == f"{photos / 'aus.csv'}: 3 of 4 pictures with action units, 1 without a face\n"
    table = labels(read_table(photos / "aus.csv", ["a/smile.png", "b/plain.jpg", "none.png"]))
    assert [table[name][12] for name in ("a/smile.png", "b/plain.jpg", "none.png")] == [1, 0, None]

    (photos / "crash.png").write_bytes(b"a picture")
    result = mpe("openface", photos, "--out", tmp_path / "aus.csv", "--openface", openface)
    assert result.code == 1
    assert result.err == f"mpe: {photos / 'crash.png'}: exit code 139, Segmentation fault\n"
    assert result.out.endswith("3 of 5 pictures with action units, 1 without a face\n")


@pytest.mark.parametrize(("name", "told"), [("none", "no such folder"), ("empty", "no picture in it")])
def test_openface_without_photographs(mpe: Mpe, openface: Path, tmp_path: Path, name: str, told: str) -> None:
    (tmp_path / "empty").mkdir()
    line = one_line(mpe("openface", tmp_path / name, "--out", tmp_path / "aus.csv", "--openface", openface))
    assert f"{tmp_path / name}: {told}" in line
    assert not (tmp_path / "aus.csv").exists()


# ---- the call itself


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "Missing command; see mpe --help"),
        (["restor"], "No such command 'restor'"),
        (["restore", "--sharpen", "a.png"], "No such option: --sharpen"),
        (["restore", "--out", "x"], "Missing argument 'PHOTO...'; see mpe restore --help"),
        (["restore", "a.png"], "Missing option '--out'; see mpe restore --help"),
        (["evaluate", "--faces", "x", "--border", "40"], "Invalid value for '--border'"),
    ],
)
def test_a_wrong_call(mpe: Mpe, arguments: list[str], told: str) -> None:
    assert told in one_line(mpe(*arguments))


@pytest.mark.parametrize(
    "command", [[], ["restore"], ["compare"], ["train"], ["evaluate"], ["openface"], ["tables"], ["sweep"]]
)
def test_help(mpe: Mpe, command: list[str]) -> None:
    result = mpe(*command, "--help")
    assert (result.code, result.err) == (0, "")
    assert f"mpe {' '.join(command)}".strip() in result.out


HEAVY = "sorted({'torch', 'numpy', 'cv2', 'dlib', 'PIL', 'matplotlib', 'accelerate'} & set(sys.modules))"


def test_what_can_not_be_printed() -> None:
    command = [sys.executable, "-m", "mpe_lib.cli", "tables", "figures/results/systems"]
    with open("/dev/full", "w") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, cwd=ROOT, check=False)
    assert (done.returncode, done.stderr) == (2, "mpe: No space left on device; make room, or print elsewhere\n")
    reader, writer = os.pipe()
    os.close(reader)  # as behind | head
    done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, text=True, cwd=ROOT, check=False)
    os.close(writer)
    assert (done.returncode, done.stderr) == (1, "")


def test_too_little_memory(mpe: Mpe, astronaut: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        torch.empty(2**52, dtype=torch.uint8)

    monkeypatch.setattr("mpe_lib.photograph.find_faces", fail)
    assert "not enough memory; " in one_line(mpe("restore", astronaut, "--out", tmp_path, "--weights", "srcnn-small"))


def test_help_imports_nothing_heavy() -> None:
    code = f"import sys; from mpe_lib.cli import app; app(['--help'], standalone_mode=False); print({HEAVY})"
    assert python(code).splitlines()[-1] == "[]"


def test_importing_the_library_imports_nothing_heavy() -> None:
    assert python(f"import sys, mpe_lib; print({HEAVY})") == "[]"


def test_every_public_name_can_be_had() -> None:
    names = ["load", "restore", "build_model", "UserError"]
    code = f"import mpe_lib as m; print(*(hasattr(m, n) for n in dir(m)), *(getattr(m, n).__name__ for n in {names}))"
    assert python(code).split() == ["True"] * 10 + names


def test_a_name_that_is_not_public() -> None:
    with pytest.raises(AttributeError, match="module 'mpe_lib' has no attribute 'lode'"):
        _ = mpe_lib.lode
