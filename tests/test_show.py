"""Pictures say in words what is on them."""

import matplotlib.pyplot as plt
import numpy as np

from mpe_lib import show


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
