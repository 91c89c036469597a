"""What tools/fuzz.py reads: each reader, with valid files to begin with and how they change."""

import hashlib
import json
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

from fuzz_changes import (
    BY_JSON,
    Mutator,
    by_bytes,
    by_cells,
    by_lines,
    by_nodes,
    read_tensors,
    read_yaml,
    to_json,
    to_tensors,
    to_yaml,
)

ROOT = Path(__file__).parents[1]
LINE = 30_000  # characters of what is told

Read = Callable[[bytes], object]


class Target(NamedTuple):
    """A reader."""

    prepare: Callable[[Path], Read]  # puts beside the input, in a folder, what else is read
    seeds: Callable[[], Iterable[bytes]]
    mutate: Mutator


def attempt(call: Callable[..., Any], *arguments: Any) -> Any:
    """What a call gives, None if it refuses; any other exception is a finding."""
    from mpe_lib.errors import UserError

    try:
        return call(*arguments)
    except UserError as error:
        line = str(error)
        assert line.isprintable(), f"no line to show: {line[:LINE]!r}"
        assert len(line) <= LINE, f"{len(line)} characters, beginning with {line[:80]}"


def pictures(folder: Path) -> Read:
    from mpe_lib.faces.picture import decode_picture, read_picture

    def read(data: bytes) -> None:
        (folder / "picture").write_bytes(data)
        for call, *source in ((read_picture, folder / "picture"), (decode_picture, data, "upload")):
            picture = attempt(call, *source)
            assert picture is None or (picture.dtype == "uint8" and picture.shape[2] == 3)
            del picture  # 150 MB, if it is the largest

    return read


def some_pictures() -> Iterable[bytes]:
    """Every format and what is special in each."""
    from PIL import Image

    small, exif = Image.effect_mandelbrot((9, 7), (-2, -1, 1, 1), 20).convert("RGB"), Image.Exif()
    exif[0x0112] = 6
    kinds: list[tuple[Image.Image, dict[str, Any]]] = [
        *((small, {"format": each}) for each in ("PNG", "JPEG", "WEBP", "BMP", "TIFF", "GIF", "PPM")),
        *((small, {"format": each, "exif": exif.tobytes()}) for each in ("PNG", "JPEG", "WEBP", "TIFF")),
        *(
            (small, {"format": "TIFF", "compression": each})
            for each in ("tiff_lzw", "jpeg", "packbits", "tiff_deflate")
        ),
        (small.convert("CMYK"), {"format": "JPEG", "progressive": True}),
        (small.convert("RGBA"), {"format": "PNG"}),
        (small.convert("LA"), {"format": "WEBP", "lossless": True}),
        (small.convert("1"), {"format": "TIFF", "compression": "group4"}),
        (small.convert("I;16"), {"format": "PNG"}),
        (small.quantize(16), {"format": "PNG", "transparency": 3}),
        (small.quantize(16), {"format": "GIF", "save_all": True, "append_images": [small], "transparency": 1}),
        (small, {"format": "MPO", "save_all": True, "append_images": [small]}),
    ]
    return [_encoded(image, options) for image, options in kinds]


def largest_pictures() -> Iterable[bytes]:
    """As many pixels as may be read, in a few bytes."""
    from PIL import Image

    yield _encoded(Image.new("P", (10_000, 5_000)), {"format": "GIF"})
    yield bytes.fromhex("524946461a000000574542505650384c0e0000002f0fe7e104071011fd0f4444ff03")  # black, as WebP


def _encoded(image: Any, options: dict[str, Any]) -> bytes:
    file = BytesIO()
    image.save(file, **options)
    return file.getvalue()


def face_table(folder: Path) -> Read:
    from mpe_lib.faces.facset import read_faces

    for name in ("0.png", "1.png"):
        (folder / name).touch()

    def read(data: bytes) -> None:
        (folder / "metadata.csv").write_bytes(data)
        attempt(read_faces, folder, "train", (1, 12), 1)
        faces = attempt(read_faces, folder, None, (1, 12))
        if faces is not None:
            assert all(path.resolve().parent == folder for path in faces.paths)
            _ = faces.rates(), faces.scale(), faces.fingerprint()

    return read


def some_face_tables() -> Iterable[bytes]:
    from mpe_lib.faces.facset import COORDINATES

    header = ",".join(["file_name", "subject", "split", "fold1", "AU1", "AU12", *COORDINATES])
    rows = [",".join([f"{i}.png", "me", "train", "test", "1", "9", *map(str, range(i, i + 136))]) for i in range(2)]
    yield "\n".join([header, *rows]).encode()
    yield b"file_name,split,AU1\n0.png,train,\n1.png,test,0\n"


def photo_table(folder: Path) -> Read:
    from mpe_lib.faces.tables import labels, people, read_table

    files = ["a.jpg", "x/1.jpg", "y/1.jpg"]

    def read(data: bytes) -> None:
        (folder / "table.csv").write_bytes(data)
        table = attempt(read_table, folder / "table.csv", files)
        if table is not None:
            attempt(labels, table)
            for subjects in ("who", "folder"):
                attempt(people, files, subjects, table, 0, "top")

    return read


def bp4d(folder: Path) -> Read:
    from mpe_lib.faces.bp4d import find_recordings

    (folder / "F001" / "T1").mkdir(parents=True)
    for name in ("0001.jpg", "2.jpg", "9.jpg"):
        (folder / "F001" / "T1" / name).touch()
    return label_table(folder, "F001_T1.csv", find_recordings)


def disfa(folder: Path) -> Read:
    from mpe_lib.faces.disfa import find_recordings

    (folder / "LeftVideoSN001_comp.avi").touch()
    (folder / "SN001_au2.txt").write_text("1,0\n2,5\n3,1\n")
    return label_table(folder, "SN001_au1.txt", find_recordings)


def label_table(folder: Path, name: str, find: Callable[[Path], Iterable[Any]]) -> Read:
    """One of those of a data set, which is read as a whole."""

    def read(data: bytes) -> None:
        (folder / name).write_bytes(data)
        for recording in attempt(find, folder) or ():
            recording.digest()

    return read


def openface(folder: Path) -> Read:
    from mpe_lib.openface import read_units

    def read(data: bytes) -> None:
        for written in ("a.csv", "b_det_0.txt"):
            (folder / written).write_bytes(data)
            for unit, value in (attempt(read_units, folder, written[0]) or {}).items():
                assert 0 < unit < 100
                assert value in (0, 1)

    return read


def some_of_openface() -> Iterable[bytes]:
    columns = ["face", "confidence", *(f"x_{i}" for i in range(68)), "AU01_r", "AU01_c", "AU12_c"]
    rows = ["0, 0.9, " + ", ".join(map(str, range(width, width + 68))) + ", 2.1, 1, 0.00" for width in (5, 80)]
    yield "\n".join([", ".join(columns), *rows]).encode()
    points = "".join(f"{i}.5 {i}\n" for i in range(68))
    yield f"version: 2\nnpoints: 68\n{{\n{points}}}\nau occurences: 2\n{{\nAU04 1\nAU12 0\n}}\n".encode()


def run_folder(folder: Path) -> Read:
    """The files of a run are a tree; a text is written as it is, everything else as JSON."""

    run, config, learner = trained(folder)
    kept = {path.name: path.read_bytes() for path in (folder / "last").iterdir()}

    def read(data: bytes) -> None:
        with suppress(ValueError, RecursionError):
            files = json.loads(data)
            for name, content in files.items() if isinstance(files, dict) else ():
                if name in RUN_FILES:
                    text = content if isinstance(content, str) else json.dumps(content)
                    (folder / name).write_text(text, encoding="utf-8", errors="surrogatepass")
        attempt(run.config)
        attempt(run.finished, config, "faces")
        attempt(run.summary)
        attempt(run.damaged)
        attempt(run.resume, config, "faces", learner)
        attempt(run.rewind, 1)
        for name, content in kept.items():
            (folder / "last").mkdir(exist_ok=True)
            (folder / "last" / name).write_bytes(content)

    return read


RUN_FILES = ("config.json", "metrics.jsonl", "summary.json", "last/sha256.json")


def some_runs() -> Iterable[bytes]:
    with tempfile.TemporaryDirectory() as name:
        trained(Path(name))
        files = {each: (Path(name) / each).read_text(encoding="utf-8") for each in RUN_FILES}
    yield to_json(files)
    yield to_json({each: text if each == "metrics.jsonl" else json.loads(text) for each, text in files.items()})


def trained(folder: Path) -> tuple[Any, Any, Any]:
    """A run of the smallest network that there is, its config and its learner."""
    import torch
    from accelerate import Accelerator

    from mpe_lib.checkpoint import Position, Run
    from mpe_lib.config import preset
    from mpe_lib.learner import Learner

    config = preset("srcnn-small").replace({"net.width": 2})
    learner = Learner(config, torch.ones(0), Accelerator(cpu=True))
    sum(each.sum() for each in learner.net.parameters()).backward()
    learner.optimizers["net"].step()
    run = Run(folder)
    run.begin(config)
    run.save_last(learner, Position(1, 20.0, 1), config, "faces")
    run.log(json.dumps({"update": 1, "lr": 0.1}))
    run.log(json.dumps({"update": 2, "lr": 0.1}))
    run.finish({"update": 1, "finished": True, "best_psnr": 20.0, "best_update": 1, "skipped": 0, "seconds": 1.0})
    return run, config, learner


def training_state(folder: Path) -> Read:
    """The pickle in state.pt, below checksums that are right."""
    run, config, learner = trained(folder)
    state = folder / "last" / "state.pt"
    kept = {path.name: path.read_bytes() for path in (folder / "last").iterdir()}

    def read(data: bytes) -> None:
        (folder / "last").mkdir(exist_ok=True)
        for name, content in kept.items():
            (folder / "last" / name).write_bytes(content)
        with zipfile.ZipFile(BytesIO(kept["state.pt"])) as old, zipfile.ZipFile(state, "w") as new:
            for each in old.infolist():
                new.writestr(each, data if each.filename.endswith("data.pkl") else old.read(each))
        sums = {each.name: hashlib.sha256(each.read_bytes()).hexdigest() for each in (folder / "last").iterdir()}
        del sums["sha256.json"]
        (folder / "last" / "sha256.json").write_text(json.dumps(sums))
        attempt(run.finished, config, "faces")
        position = attempt(run.resume, config, "faces", learner)
        if position is not None:
            learner.optimizers["net"].step()
            assert position.update + position.skipped + position.best_update + position.best_psnr is not None

    return read


def some_states() -> Iterable[bytes]:
    with tempfile.TemporaryDirectory() as name:
        trained(Path(name))
        with zipfile.ZipFile(Path(name) / "last" / "state.pt") as state:
            yield next(state.read(each) for each in state.namelist() if each.endswith("data.pkl"))


def configs(folder: Path) -> Read:
    import torch

    from mpe_lib.checkpoint import Run
    from mpe_lib.nets import build_model

    def read(data: bytes) -> None:
        (folder / "config.json").write_bytes(data)
        config = attempt(Run(folder).config)
        if config is not None:
            assert attempt(config.from_dict, config.to_dict()) == config
            with torch.device("meta"):
                build_model(config.net)

    return read


def some_configs() -> Iterable[bytes]:
    from mpe_lib.config import PRESETS

    return (to_json(each.to_dict()) for each in PRESETS.values())


def weight_files(folder: Path) -> Read:
    from mpe_lib.weights import load

    def read(data: bytes) -> None:
        (folder / "net.safetensors").write_bytes(data)
        attempt(load, folder / "net.safetensors")

    return read


def some_weight_files() -> Iterable[bytes]:
    from mpe_lib import weights
    from mpe_lib.config import preset
    from mpe_lib.nets import build_model

    for name, changes in (("srcnn", {"net.width": 2}), ("vdsr", {"net.width": 1, "net.depth": 3})):
        config = preset(name).replace(changes)
        with tempfile.TemporaryDirectory() as folder:
            weights.save(Path(folder) / "w", build_model(config.net).state_dict(), config, half=name == "vdsr")
            yield (Path(folder) / "w").read_bytes()


def sweeps(folder: Path) -> Read:
    from mpe_lib.sweep import read_sweep

    (folder / "book.ipynb").write_text("{}")

    def read(data: bytes) -> None:
        (folder / "s.yaml").write_bytes(data)
        attempt(read_sweep, folder / "s.yaml", {"judge": None})
        sweep = attempt(read_sweep, folder / "s.yaml")
        if sweep is not None:
            assert all(cell.folder.parent == sweep.out for cell in sweep.cells)
            _ = [cell.finished() for cell in sweep.cells], to_json([dict(cell.parameters) for cell in sweep.cells])

    return read


def some_sweeps() -> Iterable[bytes]:
    grid = "{seed: [0, 1], network: [{name: A, text: '{seed} {output}'}, {name: B, seed: 3}]}"
    yield f"notebook: book.ipynb\nout: out\ncommon: {{judge: null}}\ngrid: {grid}\n".encode()
    yield from (path.read_bytes() for path in sorted((ROOT / "notebooks" / "sweeps").glob("*.yaml")))


def sweep_cells(folder: Path) -> Read:
    """What a cell of a sweep left."""
    from mpe_lib.sweep import Cell

    def read(data: bytes) -> None:
        (folder / "notebook.ipynb").write_bytes(data)
        attempt(Cell("A", folder, {"seed": 0}).finished)

    return read


def results(folder: Path) -> Read:
    """A list of results, each a file."""
    from mpe_lib.results import read_results
    from mpe_lib.tables import all_tables

    def read(data: bytes) -> None:
        for path in folder.iterdir():
            path.unlink()
        try:
            parts = [to_json(each) for each in json.loads(data)]
        except (ValueError, TypeError, RecursionError):
            parts = [data]
        for number, part in enumerate(parts[:20]):
            (folder / f"{number}.json").write_bytes(part)
        rows = attempt(read_results, folder)
        if rows is not None:
            attempt(all_tables, rows)

    return read


def some_results() -> Iterable[bytes]:
    from mpe_lib.config import ABLATIONS

    units = {"f1": 0.5, "accuracy": 0.5, "detected": 1.0, "said": {"AU12": "10"}}
    seen = dict.fromkeys(("bicubic", "step 1", "step 2", "original"), units)
    one = {"preset": "tiny", "changes": {}, "seed": 0, "fold": None, "budget": {"updates": 9, "batch": 4}}
    one |= {"train": {"faces": ["mine"], "n": 9}, "test": {"faces": ["mine"], "n": 2, "fingerprint": "abc"}}
    one |= {"parameters": 12, "recognised": [{"by": "judge", "labels": {"AU12": "1?"}, "pictures": seen}]}
    faces = {what: [[25.0, 26.0], [27.0, None], [28.0, 29.0]] for what in ("psnr", "ssim")}
    one |= {"figures": {"border": 0, "steps": [{}, {}], "faces": faces}}
    yield to_json([{"name": "MPENet"} | one, {"name": "DIC"} | one, {"name": "MPENet"} | one | {"seed": 1}])
    yield to_json([{"name": name} | one | {"seed": seed, "fold": 1} for name in ABLATIONS for seed in (0, 1)])


def journals(folder: Path) -> Read:
    """What an interrupted call left in a face folder."""
    from mpe_lib.faces.folder import JOURNAL, Rejected, Row, fill

    def work(here: Path, task: int) -> Rejected:
        return Rejected(str(task), "none")

    def finish(rows: Sequence[Row]) -> dict[str, Rejected]:
        return {each.file_name: Rejected(each.file_name, "none") for each in rows[::2]}

    def read(data: bytes) -> None:
        out = folder / "out"
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir()
        (folder / "mine").touch()
        (out / JOURNAL).write_bytes(data)
        attempt(lambda: fill(out, [1, 2], work, said={"kind": 1}, finish=finish, processes=1))
        assert (folder / "mine").exists()

    return read


def some_journals() -> Iterable[bytes]:
    import numpy as np

    from mpe_lib.faces.folder import JOURNAL, Rejected, fill, row

    def stop(here: Path, task: int) -> list[Any]:
        if task == 2:
            raise KeyboardInterrupt
        return [row(f"{task}.png", np.zeros((68, 2)), {1: 1, 2: None}, "me"), Rejected("x", "none")]

    with tempfile.TemporaryDirectory() as folder:
        with suppress(KeyboardInterrupt):
            fill(Path(folder), [0, 1, 2], stop, said={"kind": 1}, processes=1)
        yield (Path(folder) / JOURNAL).read_bytes()


TARGETS = {
    "picture": Target(pictures, lambda: [*some_pictures(), *largest_pictures()], by_bytes),
    "metadata": Target(face_table, some_face_tables, by_cells),
    "weights": Target(weight_files, some_weight_files, by_nodes(read_tensors, to_tensors)),
    "config": Target(configs, some_configs, BY_JSON),
    "run": Target(run_folder, some_runs, BY_JSON),
    "state": Target(training_state, some_states, by_bytes),
    "sweep": Target(sweeps, some_sweeps, by_nodes(read_yaml, to_yaml)),
    "bp4d": Target(bp4d, lambda: [b"0,1,2,4\n1,0,9,1\n2,1,1,0\n"], by_cells),
    "disfa": Target(disfa, lambda: [b"1,0\n2,5\n3,2\n"], by_cells),
    "openface": Target(openface, some_of_openface, by_cells),
    "table": Target(
        photo_table, lambda: [b"file_name,who,split,AU1,AU12\na.jpg,A,train,1,0\nx/1.jpg,B,test,9,\n"], by_cells
    ),
    "results": Target(results, some_results, BY_JSON),
    "cell": Target(
        sweep_cells, lambda: [b'{"metadata": {"papermill": {"exception": null, "parameters": {"seed": 0}}}}'], BY_JSON
    ),
    "journal": Target(journals, some_journals, by_lines(BY_JSON)),
}
