"""A folder of synthetic people: of known rates, split by person, the same for the same seed."""

from collections import defaultdict
from pathlib import Path

import cv2
import numpy as np
import pytest

from mpe_lib.cli import main
from mpe_lib.config import AU_SETS
from mpe_lib.errors import UserError
from mpe_lib.faces.facset import read_faces
from mpe_lib.synthetic import ACTIONS
from mpe_lib.synthetic.people import OPPOSED, RATES, Order, occurrence, orders, prepare_synthetic


def planned(rates: str = "balanced") -> list[Order]:
    return orders(4000, 40, 0, rates, 2.9)


@pytest.mark.parametrize("rates", ["balanced", "bp4d", "disfa"])
def test_units_occur_as_often_as_asked_for(rates: str) -> None:
    made = planned(rates)
    gives_way = {weak for _, weak in OPPOSED}
    for au, rate in occurrence(rates).items():
        share = np.mean([au in order.aus for order in made])
        if au not in gives_way:
            assert share == pytest.approx(rate, abs=0.03)
        assert share > 0.01
    assert all(0.5 <= value <= 1 for order in made for value in order.aus.values())


@pytest.mark.parametrize("name", ["bp4d", "disfa"])
def test_every_unit_of_a_set_has_a_rate(name: str) -> None:
    assert len(RATES[name]) == len(AU_SETS[name])
    assert set(AU_SETS[name]) <= set(ACTIONS)


def test_nobody_does_two_opposed_things() -> None:
    for order in planned():
        assert not any(set(pair) <= set(order.aus) for pair in OPPOSED)


def test_a_person_is_in_one_split_and_stays_the_same() -> None:
    splits, faces = defaultdict(set), defaultdict(set)
    for order in planned():
        splits[order.person].add(order.split)
        faces[order.person].add(order.identity)
    assert all(len(each) == 1 for each in [*splits.values(), *faces.values()])
    assert len({*map(tuple, faces.values())}) == 40
    names = [next(iter(each)) for each in splits.values()]
    assert {name: names.count(name) for name in names} == {"train": 32, "val": 4, "test": 4}


def test_a_folder(tmp_path: Path) -> None:
    for name, seed, processes in (("one", 0, 1), ("again", 0, 2), ("other", 1, 1)):
        prepare_synthetic(tmp_path / name, 6, 3, seed=seed, scale=2.5, processes=processes)
    one, again, other = (
        [(path.name, path.read_bytes()) for path in sorted((tmp_path / name).iterdir())]
        for name in ("one", "again", "other")
    )
    assert one == again
    assert one != other
    faces = read_faces(tmp_path / "one", None, tuple(ACTIONS))
    assert faces.scale() == 2.5
    assert not np.isnan(faces.aus).any()
    assert {len(read_faces(tmp_path / "one", split, (12,))) for split in ("train", "val", "test")} == {2}


def test_by_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "made"
    command = f"mpe prepare synthetic --out {out} --count 3 --people 3 --scale 2.5"
    monkeypatch.setattr("sys.argv", command.split())
    with pytest.raises(SystemExit) as ended:
        main()
    assert not ended.value.code
    assert capsys.readouterr().out == f"{out}: 3 faces of 3 people\n"
    assert read_faces(out, None, (12,)).scale() == 2.5


@pytest.mark.parametrize(
    ("call", "told"),
    [
        ((10, 2), "10 faces of 2 people; at least 3 people"),
        ((5, 6), "5 faces of 6 people; "),
    ],
)
def test_too_few_are_told(tmp_path: Path, call: tuple[int, int], told: str) -> None:
    with pytest.raises(UserError, match=told):
        prepare_synthetic(tmp_path / "out", *call)
    with pytest.raises(UserError, match="no rates 'bp'; did you mean bp4d"):
        prepare_synthetic(tmp_path / "out", 9, 3, rates="bp")
    assert not (tmp_path / "out").exists()


def test_it_leaves_the_threads_of_this_process_alone(tmp_path: Path) -> None:
    before = cv2.getNumThreads()
    try:
        cv2.setNumThreads(2)
        prepare_synthetic(tmp_path / "people", 3, 3, processes=1)
        assert cv2.getNumThreads() == 2
    finally:
        cv2.setNumThreads(before)
