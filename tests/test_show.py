"""Pictures say in words what is on them."""

from collections import Counter

import matplotlib.pyplot as plt
import numpy as np
import pytest

from mpe_lib import show
from mpe_lib.faces.align import Face
from mpe_lib.photograph import Restored


def test_a_figure_is_described_by_its_own_words() -> None:
    figure, (left, right) = plt.subplots(1, 2)
    left.plot([1, 2], label="training")
    left.set(title="loss", xlabel="update", ylabel="Eq. 5")
    left.legend()
    right.text(0.5, 0.5, "two\nlines")
    figure.suptitle("a run")
    assert show.describe(figure) == "a run; loss: Eq. 5 against update; two lines; training"


def test_pictures_in_a_row_are_described_by_their_names() -> None:
    picture = np.zeros((4, 4, 3), np.uint8)
    assert show.describe(show.row({"input": picture, "original": picture})) == "input; original"


@pytest.mark.parametrize(
    ("count", "columns"), [(1, [1]), (4, [4]), (5, [3, 2]), (6, [3, 3]), (8, [4, 4]), (10, [4, 4, 2])]
)
def test_many_pictures_in_a_row_go_on_in_the_next(count: int, columns: list[int]) -> None:
    figure = show.row({str(number): np.zeros((4, 4, 3), np.uint8) for number in range(count)})
    lines = Counter(round(axes.get_position().y0, 3) for axes in figure.axes)
    assert [lines[height] for height in sorted(lines, reverse=True)] == columns
    assert [axes.get_title() for axes in figure.axes] == [str(number) for number in range(count)]


def test_points_are_drawn_on_the_picture_that_they_are_named_for() -> None:
    picture = np.zeros((4, 4, 3), np.uint8)
    plain, marked = show.row({"input": picture, "original": picture}, {"original": np.ones((68, 2))}).axes
    assert not plain.lines
    assert sum(len(line.get_xdata()) for line in marked.lines) == 68 + 6  # the first eye once more, in its colour


def test_restored_faces_stand_below_each_other_under_their_names() -> None:
    small, black = np.zeros((16, 16, 3), np.uint8), np.zeros((128, 128, 3), np.uint8)
    face = Restored(small, black, (black,), black + 255, None, None, None, None)  # no branch, no map
    said = "input, 16 x 16: scores on Y, border 0; bicubic: {0}; step 1: {0}; original"
    assert show.describe(show.sheet(face)) == said.format("1.32 dB SSIM 0.136")
    figure = show.rows({"one": face, "other": face})
    assert [part.get_suptitle() for part in figure.subfigs] == ["one", "other"]
    assert len(figure.axes) == 2 * 4


def test_many_pictures_fill_rows() -> None:
    pictures = [np.full((4, 4, 3), level, np.uint8) for level in (0, 128, 255)]
    axes = show.contact(pictures, ["dark", "grey", "light"], columns=2).axes
    assert [part.get_title() for part in axes] == ["dark", "grey", "light", ""]
    assert [len(part.images) for part in axes] == [1, 1, 1, 0]
    assert not any(part.get_title() for part in show.contact(pictures).axes)


def test_the_largest_face_of_a_photograph_is_shown_again() -> None:
    picture = np.zeros((60, 80, 3), np.uint8)
    points = np.stack([np.linspace(40, 60, 68), np.linspace(20, 40, 68)], axis=1)
    small, large = Face((5, 5, 15, 15), 1.0, points - 30), Face((38, 18, 62, 42), 1.0, points)
    everything, close = show.photograph(picture, [small, large]).axes
    assert everything.get_title() == "2 faces found"
    assert [box.get_bbox().bounds for box in everything.patches] == [(5, 5, 10, 10), (38, 18, 24, 24)]
    assert close.get_xlim() == (36, 64)  # a fifth of its side around it
    assert close.get_ylim() == (44, 16)
    (alone,) = show.photograph(picture, []).axes
    assert alone.get_title() == "0 faces found"
