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


def test_curves_have_a_panel_for_what_was_measured() -> None:
    losses = {"update": 10, "loss_rec": 0.1, "loss_au": 2.0}
    judge = losses | {"gradient_shares": {"au": {"au": 1.0}}}
    whole = losses | {"psnr": [25.0, 26.0], "gradient_shares": {"sr": {"rec": 0.9, "au": 0.1}}}
    assert [len(show.curves([line]).axes) for line in (losses, judge, losses | {"psnr": [25.0]}, whole)] == [1, 1, 2, 3]
    assert "step 2" in show.describe(show.curves([whole], bicubic=24.0))
