"""The London Set from a server on this machine: good, slow, broken and dead ones, and the face folder made of it."""

import csv
import hashlib
import io
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from mpe_lib.cli import main
from mpe_lib.config import AU_SETS
from mpe_lib.errors import UserError
from mpe_lib.faces import london
from mpe_lib.faces.astronaut import astronaut
from mpe_lib.faces.facset import read_faces
from mpe_lib.faces.london import Original, download, fetch_london, find_london, read_files
from mpe_lib.sources import face_folder
from mpe_lib.synthetic import synthesize

NAMES = [
    f"inst/{folder}_front/{person}_{kind}.jpg"
    for folder, kind in (("neutral", "03"), ("smiling", "08"))
    for person in ("001", "003", "005")
]


class Server(ThreadingHTTPServer):
    """Gives its files away; `spoiled` says how it fails at some of them: once, or for good with an !."""

    daemon_threads = True

    def __init__(self, files: dict[str, bytes]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files, self.spoiled = files, dict[str, str]()
        self.asked, self.busy, self.busiest = list[str](), 0, 0
        self.url = f"http://127.0.0.1:{self.server_address[1]}/"
        self.dead = threading.Event()

    def originals(self) -> list[Original]:
        return [Original(path, hashlib.sha256(content).hexdigest()) for path, content in self.files.items()]


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        path = self.path[1:]
        server, content = self.server, self.server.files[path]
        how = server.spoiled.get(path, "")
        if not how.endswith("!"):
            server.spoiled.pop(path, None)
        server.asked.append(path)
        server.busy += 1
        server.busiest = max(server.busiest, server.busy)
        if how.startswith("missing"):
            self.send_error(404)
        elif how.startswith("leads"):
            self.send_response(302)
            self.send_header("Location", "http://example.org/a.jpg")
            self.end_headers()
        else:
            if how.startswith("silent"):
                server.dead.wait(5)
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if how.startswith("wrong"):
                content = bytes(len(content))
            elif how.startswith("truncated"):
                content = content[:100]
            half = len(content) // 2
            self.wfile.write(content[:half])
            if how.startswith("slow"):
                time.sleep(0.3)
            self.wfile.write(content[half:])
        server.busy -= 1

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def serve(files: dict[str, bytes]) -> Generator[Server]:
    with Server(files) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server
        finally:
            server.dead.set()
            server.shutdown()
            thread.join()


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No second tries, no proxy, and a cache of its own."""
    monkeypatch.setattr(london, "RETRIES", 0)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(london.pooch, "os_cache", lambda project: tmp_path / "cache" / project)


@pytest.fixture
def server() -> Generator[Server]:
    """Six files that are no pictures."""
    random = np.random.default_rng(0)
    with serve({name: random.bytes(2000) for name in NAMES}) as server:
        yield server


def get(server: Server, folder: Path, report: Callable[[int, int], None] = lambda done, total: None) -> None:
    download(server.originals(), folder, server.url, report)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_downloads_are_parallel_counted_and_kept(server: Server, tmp_path: Path) -> None:
    server.spoiled = dict.fromkeys(NAMES, "slow")
    counted: list[tuple[int, int]] = []
    get(server, tmp_path / "london", lambda done, total: counted.append((done, total)))
    assert counted == [(done, 6) for done in range(1, 7)]
    assert 2 <= server.busiest <= london.THREADS
    expected = {Path(name).name: content for name, content in server.files.items()}
    assert {path.name: path.read_bytes() for path in (tmp_path / "london").iterdir()} == expected

    (tmp_path / "london" / "003_08.jpg").write_bytes(b"damaged")
    server.asked.clear()
    get(server, tmp_path / "london")
    assert server.asked == ["inst/smiling_front/003_08.jpg"]
    assert (tmp_path / "london" / "003_08.jpg").read_bytes() == expected["003_08.jpg"]


@pytest.mark.parametrize(
    ("how", "told"),
    [
        ("truncated!", "no connection to 127.0.0.1, or it broke off"),
        ("silent!", "no connection to 127.0.0.1, or it broke off"),
        ("wrong!", r"it is not the one expected \(SHA-256\)"),
        ("leads!", "the server leads to http://example.org/a.jpg, which is no https address"),
        ("missing!", "the server answers 404 .* for url: .*/neutral_front/005_03.jpg"),
    ],
)
def test_a_photograph_that_cannot_be_had_is_named_and_the_rest_kept(
    server: Server, tmp_path: Path, how: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(london, "TIMEOUT", 0.3)
    monkeypatch.setattr(london, "THREADS", 1)  # so that it is known what comes before
    bad = "inst/neutral_front/005_03.jpg"
    server.spoiled = {bad: how}
    with pytest.raises(UserError, match=f"^005_03.jpg cannot be downloaded: {told}; what is downloaded is kept"):
        get(server, tmp_path / "london")
    kept = names(tmp_path / "london")
    assert {"001_03.jpg", "003_03.jpg"} <= {*kept} <= {Path(name).name for name in NAMES if name != bad}  # no half file

    server.spoiled.clear()
    server.asked.clear()
    get(server, tmp_path / "london")
    assert sorted(Path(name).name for name in [*server.asked, *kept]) == sorted(Path(name).name for name in NAMES)


def test_what_fails_once_is_tried_again(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(london, "RETRIES", 1)
    server.spoiled = dict(zip(NAMES, ["truncated", "wrong", "missing"], strict=False))
    get(server, tmp_path / "london")
    assert len(names(tmp_path / "london")) == 6
    assert len(server.asked) == 9


def test_without_a_network_it_ends_soon(tmp_path: Path) -> None:
    with serve(dict.fromkeys(NAMES, b"")) as server:
        pass
    with pytest.raises(UserError, match=r"cannot be downloaded: no connection to 127\.0\.0\.1, or it broke off; "):
        get(server, tmp_path / "london")
    assert names(tmp_path / "london") == []


def test_interrupted_it_starts_nothing_new(server: Server, tmp_path: Path) -> None:
    server.spoiled = dict.fromkeys(NAMES[1:5], "silent")

    def interrupt(done: int, total: int) -> None:
        threading.Timer(0.3, server.dead.set).start()  # then the server goes on
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        get(server, tmp_path / "london", interrupt)
    assert names(tmp_path / "london") == sorted(Path(name).name for name in server.asked)  # what was under way is whole
    assert NAMES[5] not in server.asked
    get(server, tmp_path / "london")
    assert len(server.asked) == 6


def test_a_folder_that_cannot_be_written(server: Server, tmp_path: Path) -> None:
    (tmp_path / "london").touch()
    with pytest.raises(UserError, match=f"cannot write {tmp_path / 'london'}: .*; choose another folder"):
        get(server, tmp_path / "london")
    assert server.asked == []


@pytest.mark.parametrize(
    "url", ["http://example.org/", "http://127.0.0.1.example.org/", "http://10.0.0.1/", "ftp://localhost/", "here"]
)
def test_only_https_or_this_machine(url: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=f"{url} is no https address; "):
        download([], tmp_path / "london", url)
    for fine in ("https://example.org/", "http://localhost:80/", "http://[::1]/"):
        download([], tmp_path / "london", fine)


# ---- the list, and what the name stands for


def test_the_list_has_everybody_twice() -> None:
    files = read_files()
    assert len({each.name for each in files}) == 204
    assert {*Counter(each.subject for each in files).values()} == {2}
    assert all(len(bytes.fromhex(each.sha256)) == 32 for each in files)
    assert f"# repository {london.REPOSITORY}, commit {london.COMMIT}\n" == london.FILES.open().readline()


def test_action_units_are_those_of_51_people() -> None:
    with london.AUS.open(newline="") as file:
        columns, *rows = csv.reader(file)
    assert len(rows) == 102
    assert {name for name, *_ in rows} <= {each.name for each in read_files()}
    assert {value for _, *values in rows for value in values} == {"0", "1"}
    assert {f"AU{au}" for au in AU_SETS["bp4d"]} - {*columns} == {"AU24"}  # which OpenFace does not have
    smiles = [name[-6:-4] for name, *values in rows if values[columns.index("AU12") - 1] == "1"]
    assert smiles.count("08") > 5 * smiles.count("03")


def test_london_is_the_fetched_set_unless_a_folder_has_the_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert face_folder("elsewhere") == Path("elsewhere")
    with pytest.raises(UserError, match=r"^the London Set is not here; mpe fetch london$"):
        face_folder("london")
    fetched = tmp_path / "cache" / "mpe" / "london"
    fetched.mkdir(parents=True)
    with pytest.raises(UserError, match="not here"):  # begun, not finished
        find_london()
    (fetched / "metadata.csv").touch()
    assert find_london() == face_folder("london") == face_folder(Path("london")) == fetched
    (tmp_path / "london").mkdir()
    assert face_folder("london") == Path("london")


# ---- the face folder


@pytest.fixture(scope="module")
def photographs() -> dict[str, bytes]:
    """Stand-ins: the astronaut and her mirror image, and a synthetic person on a larger canvas."""
    her, him = astronaut()[:420, 60:400], np.full((288, 288, 3), 128, np.uint8)
    him[72:216, 72:216] = synthesize(3).image
    him = np.asarray(Image.fromarray(him).resize((576, 576), Image.Resampling.BICUBIC))
    pictures = her, her[:, ::-1], him
    return {name: jpeg(picture) for name, picture in zip(NAMES[::3] + NAMES[1:2], pictures, strict=True)}


def jpeg(picture: NDArray[np.uint8]) -> bytes:
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "JPEG", quality=95)
    return file.getvalue()


def mpe(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> object:
    """The exit code of a call."""
    monkeypatch.setattr(sys, "argv", ["mpe", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        main()
    return ended.value.code or 0


def test_fetch_then_use_it_by_its_name(
    photographs: dict[str, bytes],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = tmp_path / "cache" / "mpe" / "london"
    with serve(photographs) as server:
        here = partial(fetch_london, base_url=server.url, files=server.originals(), processes=1)
        monkeypatch.setattr(london, "fetch_london", here)
        assert mpe(monkeypatch, "fetch", "london") == 0
        out, err = capsys.readouterr()
        assert err == ""
        assert out == f"{london.CREDIT}{folder}: 3 faces, for mpe evaluate --faces london\n"

        faces = read_faces(folder, "test", (6, 12, 24))
        assert [path.stem for path in faces.paths] == ["001_03", "001_08", "003_03"]
        np.testing.assert_array_equal(faces.aus, [[0, 0, np.nan], [0, 1, np.nan], [1, 0, np.nan]])
        assert faces.scale() == 2.5
        with (folder / "metadata.csv").open(newline="") as file:
            assert [row["subject"] for row in csv.DictReader(file)] == ["001", "001", "003"]
        assert not (folder / "rejected.csv").exists()
        credit = (folder / "CREDITS.txt").read_text()
        assert "CC BY 4.0" in credit
        assert "at scale 2.5 and" in credit

    assert mpe(monkeypatch, "fetch", "london") == 0  # the server is gone; nothing is asked for
    assert mpe(monkeypatch, "fetch", "london", "--out", tmp_path / "wide", "--scale", 2.3) == 0  # downloads are kept
    assert read_faces(tmp_path / "wide", "test", ()).scale() == 2.3
    capsys.readouterr()
    assert mpe(monkeypatch, "fetch", "london", "--scale", 2.3) == 2  # as another one
    assert capsys.readouterr().err == f"mpe: {folder} is not empty; delete it, or choose another folder\n"
    assert mpe(monkeypatch, "evaluate", "--faces", "london") == 0
    assert capsys.readouterr().out.startswith("3 faces\n")


def test_credit_is_there_from_the_first_face_on_and_an_interrupted_call_goes_on(
    photographs: dict[str, bytes], tmp_path: Path
) -> None:
    with serve(photographs) as server:
        pass
    originals = tmp_path / "originals"
    (originals / "photographs").mkdir(parents=True)
    for path, content in photographs.items():
        (originals / "photographs" / Path(path).name).write_bytes(content)
    call = partial(fetch_london, tmp_path / "out", originals=originals, files=server.originals(), processes=1)
    counted: list[int] = []

    def interrupt(done: int, total: int) -> None:
        counted.append(done)
        if counted == [1, 2, 3, 0, 1]:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        call(report=interrupt)
    assert (tmp_path / "out" / "CREDITS.txt").is_file()
    assert not (tmp_path / "out" / "metadata.csv").exists()
    with pytest.raises(UserError, match="out was begun with "):
        call(scale=2.3)
    assert len(read_faces(call(), "test", ())) == 3


def test_a_folder_of_something_else_is_told_before_anything_is_downloaded(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").touch()
    with pytest.raises(UserError, match="out is not empty; "):
        fetch_london(tmp_path / "out")
    with pytest.raises(UserError, match=r"cannot write .*mine.txt: Not a directory; "):
        fetch_london(tmp_path / "out" / "mine.txt")
    assert names(tmp_path) == ["out"]
