"""DISFA as it is delivered: `mpe prepare disfa`.

Videos are LeftVideoSN001_comp.avi, and labels SN001_au12.txt, anywhere in the folder: a line `frame,intensity` for
each frame. The first is frame 1, an intensity is 0 to 5, and a unit is present from 2 on.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from itertools import repeat
from pathlib import Path

import cv2
import numpy as np

from mpe_lib.errors import UserError
from mpe_lib.faces.delivered import claim, read_labels
from mpe_lib.faces.folder import Rejected
from mpe_lib.faces.recordings import UNKNOWN, Frame, Layout, Lost, Recording
from mpe_lib.files import check_ordinary, walk

VIDEO, TABLE = re.compile(r"LeftVideo(.+)_comp\.avi"), re.compile(r"(.+)_au\d+\.txt")
AUS = (1, 2, 4, 5, 6, 9, 12, 15, 17, 20, 25, 26)  #: all that it labels; the paper takes 8 of them
INTENSITIES = {str(intensity): intensity for intensity in range(6)}  #: as they are written
CHUNK = 300  #: frames: half a minute of work, for up to 5 seconds of counting frames to where it begins
PATIENCE = 100  #: frames in a row that can't be decoded: the video is at its end


def find_recordings(source: Path) -> list[Recording]:
    """The video of every subject, by name.

    Raises:
        UserError: no folder, no video in it, something that is there twice, or labels that can't be used.
    """
    videos, tables, subjects = dict[str, Path](), dict[str, Path](), set[str]()
    for folder, names in walk(source, "data set"):
        for name in names:
            video, table = VIDEO.fullmatch(name), TABLE.fullmatch(name)
            if video:
                claim(videos, video[1], folder / name)
            elif table:
                claim(tables, name, folder / name)
                subjects.add(table[1])
    if not videos:
        raise UserError(f"{source}: no video of DISFA in it", "they are called LeftVideoSN001_comp.avi and so on")
    return [_recording(source, subject, videos.get(subject), tables) for subject in sorted(subjects | {*videos})]


def read_intensities(path: Path) -> dict[int, int]:
    """The intensity of one action unit in each frame.

    Raises:
        UserError: it can't be read, or a line is no frame with an intensity from 0 to 5.
    """
    frames: dict[int, int] = {}
    for number, line in read_labels(path, header=False)[1].items():
        intensity = INTENSITIES.get(",".join(line.values))
        if intensity is None or number < 1:
            said = ",".join([str(number), *line.values])
            raise UserError(f"{line.where}: '{said}'", "write frame,intensity: from 1 on, and 0 to 5")
        frames[number] = intensity
    return frames


def read_frames(recording: Recording, wanted: range) -> Iterator[Frame | Rejected]:
    """Some frames of a video; with the last of them, how many are not labelled.

    They are counted from the first, for a compressed video finds a frame by its number only nearly.
    """
    video = _opened(recording.path)
    if video is None:
        first, last = (int(recording.frames[index]) for index in (wanted[0], wanted[-1]))
        yield Rejected(f"{recording.source}:{first}-{last}", "the video can't be opened", Lost.DAMAGED, len(wanted))
        return
    numbers = {int(recording.frames[index]): index for index in wanted}
    ends, count = wanted.stop == len(recording.frames), 0
    for count, decoded in enumerate(_decoded(video), 1):
        index = numbers.pop(count, None)
        if index is not None:
            source = f"{recording.source}:{count}"
            read, picture = video.retrieve() if decoded else (False, np.empty(0))
            if read:
                yield Frame(index, source, np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), np.uint8))
            else:
                yield Rejected(source, "can't be decoded", Lost.DAMAGED)
        if not (numbers or ends):
            return
    for number in numbers:
        yield Rejected(f"{recording.source}:{number}", f"the video ends at frame {count}", Lost.NO_FRAME)
    unlabelled = count - sum(int(frame) <= count for frame in recording.frames)
    if ends and unlabelled:
        yield Rejected(recording.source, f"{unlabelled} frames without a label", Lost.NO_LABEL, unlabelled)


def _opened(path: Path) -> cv2.VideoCapture | None:
    """A video at its beginning, or None. FFmpeg would wait for a pipe, and open what a list of other files names."""
    with suppress(OSError):
        check_ordinary(path)
        with path.open("rb") as file:
            begins = file.read(12)
        if begins[:4] + begins[8:] == b"RIFFAVI ":
            threads = [cv2.CAP_PROP_N_THREADS, 1]  # every core has a process of its own
            video = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG, threads)
            return video if video.isOpened() else None
    return None


def _decoded(video: cv2.VideoCapture) -> Iterator[bool]:
    """Go through a video to the last frame that can be decoded, and tell of each whether it can."""
    failed = 0
    while failed < PATIENCE:
        if video.grab():
            yield from repeat(False, failed)
            yield True
            failed = 0
        else:
            failed += 1


def _recording(source: Path, subject: str, video: Path | None, tables: Mapping[str, Path]) -> Recording:
    """What a video and its labels have in common, and what either lacks."""
    files = {au: f"{subject}_au{au}.txt" for au in AUS}
    units = {au: read_intensities(tables[file]) for au, file in files.items() if file in tables}
    numbers = sorted(set[int]().union(*units.values()))
    if video is None:
        missing = Rejected(subject, f"{len(numbers)} labels, but no video", Lost.NO_FRAME, len(numbers))
        return Recording(subject, subject, source, subject, lost=(missing,))
    here = video.relative_to(source).as_posix()
    if not numbers:
        missing = Rejected(here, f"no labels in {subject}_au1.txt and so on", Lost.NO_LABELS)
        return Recording(subject, subject, video, here, lost=(missing,))
    labels = np.full((len(numbers), len(units)), UNKNOWN, np.int8)
    for column, known in enumerate(units.values()):
        labels[np.searchsorted(numbers, [*known]), column] = [*known.values()]
    lacking = {au: len(numbers) - len(units.get(au, ())) for au in AUS}
    lost = tuple(
        Rejected(files[au], f"does not label {count} frames that others do", Lost.NO_UNIT, count)
        for au, count in lacking.items()
        if count
    )
    frames = tuple(f"{number:04}" for number in numbers)
    return Recording(subject, subject, video, here, frames, tuple(units), labels, graded=True, lost=lost)


DISFA = Layout("disfa", find_recordings, read_frames, CHUNK)  #: how DISFA is read
