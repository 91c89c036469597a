"""What `--faces` may name besides a folder."""

import os
from pathlib import Path

import pytest

from mpe_lib.errors import UserError
from mpe_lib.faces.facset import read_faces
from mpe_lib.sources import face_folder, face_folders


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache and an empty folder to work in."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "cache"


def test_a_folder_stands_for_itself(tmp_path: Path) -> None:
    assert face_folder("mine") == Path("mine")
    assert face_folder(tmp_path / "synthetic:400") == tmp_path / "synthetic:400"
    os.mkdir("synthetic")
    assert face_folder("synthetic") == Path("synthetic")


def test_synthetic_people_are_made_once_and_kept(cache: Path) -> None:
    told: list[tuple[int, int]] = []
    folder = face_folder("synthetic:12", 2.5, lambda *progress: told.append(progress))
    assert cache in folder.parents
    assert told[-1] == (12, 12)
    faces = read_faces(folder, None, (12,))
    assert (len(faces), faces.scale()) == (12, 2.5)
    before = (folder / "metadata.csv").stat().st_mtime_ns
    assert face_folder("synthetic:12", 2.5) == folder
    assert (folder / "metadata.csv").stat().st_mtime_ns == before


@pytest.mark.parametrize(
    "name", ["synthetic:", "synthetic:many", "synthetic:4", "synthetic:-20", "synthetic:" + "9" * 5000]
)
def test_a_wrong_number_is_told(name: str) -> None:
    with pytest.raises(UserError, match="is no number of faces; at least 12, as in synthetic:400"):
        face_folder(name)


def test_london_must_be_fetched_first() -> None:
    with pytest.raises(UserError, match="the London Set is not here; mpe fetch london"):
        face_folder("london")


def test_sources_with_weights_and_without() -> None:
    assert face_folders(["mine", "yours"]) == [(Path("mine"), None), (Path("yours"), None)]
    assert face_folders(["mine@3", "a@b/yours@0.5"]) == [(Path("mine"), 3.0), (Path("a@b/yours"), 0.5)]


def test_a_folder_whose_name_has_an_at_wins() -> None:
    os.mkdir("mine@2")
    assert face_folders(["mine@2"]) == [(Path("mine@2"), None)]
    assert face_folders(["mine@2@3"]) == [(Path("mine@2"), 3.0)]


@pytest.mark.parametrize("source", ["mine@0", "mine@-1", "mine@nan", "mine@inf", "mine@", "mine@much", "@2"])
def test_a_wrong_weight_is_told(source: str) -> None:
    with pytest.raises(UserError, match=f"--faces {source}: '.*' is no weight; write a number above 0"):
        face_folders([source])


def test_a_weight_for_all_or_for_none() -> None:
    with pytest.raises(UserError, match="--faces yours has no weight, and others have one; write yours@1, or no"):
        face_folders(["mine@2", "yours"])
