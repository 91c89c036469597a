"""The Face Research Lab London Set: 204 photographs of 102 people, downloaded, checked and made a face folder.

Everybody is on two of them, neutral (`001_03.jpg`) and smiling (`001_08.jpg`), and all of them are for testing.
"""

import csv
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any

import pooch
from requests.exceptions import RequestException

from mpe_lib.download import cache, check_address, downloader, failure
from mpe_lib.errors import UserError
from mpe_lib.files import atomic, writing

#: Where the photographs are, and in which version.
REPOSITORY, COMMIT = "debruine/webmorphR.stim", "fa8b78fda2d659bb74ce62fcd99c4407551d2a77"
SOURCE = f"https://raw.githubusercontent.com/{REPOSITORY}/{COMMIT}/"  #: what the path of a photograph follows
FILES = Path(__file__).with_name("london_files.csv")  #: a table of the photographs, with their sizes and sums
AUS = Path(__file__).with_name("london_aus.csv")  #: OpenFace's, where it was asked: of both pictures of 51 people
SCALE = 2.5  #: the photographs are too tight for 2.9
THREADS = 4  #: downloads at the same time
RETRIES = 2  #: of each photograph
TIMEOUT = 15.0  #: seconds without a byte
#: What is written beside the photographs.
CREDIT = """\
Face Research Lab London Set, version 5, by Lisa DeBruine and Benedict Jones, 2017
https://doi.org/10.6084/m9.figshare.5047666.v5
Licence: CC BY 4.0, https://creativecommons.org/licenses/by/4.0/
"""
CHANGES = f"""
The photographs are those of https://github.com/{REPOSITORY} at commit {COMMIT}.
Changed: each face is cut out upright at scale {{scale:g}} and 144 x 144 pixels. In metadata.csv the landmarks are
dlib's and the action units are OpenFace's: guesses of programs, which no human coder has checked.
"""


@dataclass(frozen=True)
class Original:
    """A photograph that can be downloaded."""

    path: str  # in the repository
    sha256: str

    @property
    def name(self) -> str:
        """What its file is called here, 001_03.jpg of person 001."""
        return self.path.rpartition("/")[2]

    @property
    def subject(self) -> str:
        """The person on it."""
        return self.name.partition("_")[0]


def read_files() -> list[Original]:
    """The photographs of `FILES`, whose lines that begin with # are comments."""
    lines = [line for line in FILES.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    return [Original(row["path"], row["sha256"]) for row in csv.DictReader(lines)]


def fetch_london(
    out: Path | None = None,
    *,
    scale: float = SCALE,
    originals: Path | None = None,
    base_url: str = SOURCE,
    files: Sequence[Original] | None = None,
    processes: int | None = None,
    report: Callable[[int, int], None] = lambda done, total: None,
) -> Path:
    """Download the photographs and make a face folder of them; interrupted, the same call goes on.

    Args:
        out: the face folder; unless given, the one that `find_london` finds.
        scale: how much of the head is seen.
        originals: where the downloads are kept; in the user's cache unless given.
        base_url: in front of each path; https, or of this machine.
        files: all 204 unless given.
        processes: that cut out faces; as many as there are cores unless given.
        report: called with what is done and all there is, first of the downloads, then of the faces.

    Returns:
        The face folder. If it is finished already, nothing is done.

    Raises:
        UserError: no https, a photograph that can't be downloaded or is another one than expected, a folder
            that holds something else or can't be written.
    """
    from mpe_lib.faces.photos import prepare_photos

    files = read_files() if files is None else files
    out, originals = out or cache() / "london", originals or cache() / "london_originals"
    credit = CREDIT + CHANGES.format(scale=scale)
    if _finished(out, credit):
        return out
    with writing(out):  # before megabytes are downloaded in vain
        out.mkdir(parents=True, exist_ok=True)

    def credited(done: int, total: int) -> None:  # from the first face on, so that none is without
        if done and not (out / "CREDITS.txt").is_file():
            _write(out / "CREDITS.txt", credit)
        report(done, total)

    photographs, table = originals / "photographs", originals / "people.csv"
    download(files, photographs, base_url, report)
    people = "".join(f"{each.name},{each.subject},test\n" for each in files)
    _write(table, "file_name,subject,split\n" + people)
    _write(originals / "CREDITS.txt", CREDIT)
    prepare_photos(
        photographs,
        out,
        scale=scale,
        subjects="subject",
        table=table,
        aus=AUS,
        distinct=False,  # known one by one; a smile may be nearly the same picture as none
        processes=processes,
        report=credited,
    )
    return out


def download(
    files: Sequence[Original],
    folder: Path,
    base_url: str = SOURCE,
    report: Callable[[int, int], None] = lambda done, total: None,
) -> None:
    """Download what is not in the folder yet, a few at a time; a file is there whole and as expected or not at all.

    Raises:
        UserError: no https, the folder can't be written, or a photograph can't be had; those that could be are kept.
    """
    check_address(base_url)
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    store = pooch.create(
        folder,
        base_url,
        registry={each.name: f"sha256:{each.sha256}" for each in files},
        urls={each.name: base_url + each.path for each in files},
        retry_if_failed=RETRIES,
    )
    http, stop = downloader(timeout=TIMEOUT, chunk_size=1 << 16), Event()

    def unless_stopped(url: str, output_file: Any, store: Any) -> None:
        if stop.is_set():
            raise CancelledError
        http(url, output_file, store)

    with ThreadPoolExecutor(THREADS) as pool:
        try:
            tasks = [pool.submit(_get, store, each.name, unless_stopped) for each in files]
            for done, task in enumerate(as_completed(tasks), 1):
                task.result()
                report(done, len(tasks))
        except BaseException:
            stop.set()
            pool.shutdown(cancel_futures=True)
            raise


def _get(store: pooch.Pooch, name: str, downloader: Any) -> None:
    """One photograph, unless it is there."""
    with writing(store.abspath):
        try:
            store.fetch(name, downloader=downloader)
        except (RequestException, ValueError) as error:  # the first is an OSError, but no failure to write
            remedy = "what is downloaded is kept: check the network and give the same command again"
            raise UserError(f"{name} cannot be downloaded: {failure(error, store.get_url(name))}", remedy) from error


def find_london() -> Path:
    """The face folder that `mpe fetch london` made.

    Raises:
        UserError: it has not.
    """
    folder = cache() / "london"
    if not (folder / "metadata.csv").is_file():
        raise UserError("the London Set is not here", "mpe fetch london")
    return folder


def _finished(out: Path, credit: str) -> bool:
    """Whether the face folder is there already; another one is told before anything is downloaded."""
    from mpe_lib.faces.folder import JOURNAL

    with writing(out):
        if not out.exists() or (out / JOURNAL).is_file() or not any(out.iterdir()):
            return False
    note = out / "CREDITS.txt"
    if (
        (out / "metadata.csv").is_file()
        and note.is_file()
        and note.read_text(encoding="utf-8", errors="replace") == credit
    ):
        return True
    raise UserError(f"{out} is not empty", "delete it, or choose another folder")


def _write(path: Path, text: str) -> None:
    with atomic(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
