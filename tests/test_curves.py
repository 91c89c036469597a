"""A training's curves show what it has measured."""

from mpe_lib.curves import learning_curves
from mpe_lib.show import describe


def test_curves_have_a_panel_for_what_was_measured() -> None:
    losses = {"update": 10, "loss_rec": 0.1, "loss_au": 2.0}
    judge = losses | {"gradient_shares": {"au": {"au": 1.0}}}
    validated = losses | {"psnr": [25.0]}
    whole = losses | {"psnr": [25.0, 26.0], "gradient_shares": {"sr": {"rec": 0.9, "au": 0.1}}}
    assert [len(learning_curves([line]).axes) for line in (losses, judge, validated, whole)] == [1, 1, 2, 3]
    assert "step 2" in describe(learning_curves([whole], bicubic=24.0))
