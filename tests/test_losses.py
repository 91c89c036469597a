"""The objective, by hand."""

import math

import pytest
import torch
from torch import Tensor
from torch.autograd import gradcheck

from mpe_lib.config import TrainConfig
from mpe_lib.faces.crops import Sample
from mpe_lib.heatmaps import encode
from mpe_lib.losses import (
    adversarial_loss,
    alignment_loss,
    au_loss,
    au_weights,
    cross_entropy_loss,
    dice_loss,
    discriminator_loss,
    mpe_loss,
    perceptual_loss,
    reconstruction_loss,
)
from mpe_lib.nets.mpenet import MPEOutput
from mpe_lib.occurrence import PUBLISHED

UNKNOWN = math.nan
ONE = torch.ones(1)
LN2 = math.log(2)


def logit(p: float) -> float:
    return math.log(p / (1 - p))


def random(*shape: int) -> Tensor:
    """Normal values for gradcheck, the same every time."""
    values = torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    return values.requires_grad_()


# ---- Eq. 9 and Eq. 5: squared error over steps, over stacks


def test_the_reconstruction_loss_averages_the_steps() -> None:
    hr = torch.zeros(2, 3, 4, 4)
    steps = [hr + 0.1, hr - 0.2, hr + 0.3]
    assert reconstruction_loss(steps, hr).item() == pytest.approx((0.01 + 0.04 + 0.09) / 3)


def test_the_reconstruction_loss_of_one_wrong_pixel_in_four() -> None:
    sr = torch.tensor([[[[0.5, 0.0], [0.0, 0.0]]]])
    assert reconstruction_loss([sr], torch.zeros(1, 1, 2, 2)).item() == pytest.approx(0.25 / 4)


def test_the_reconstruction_loss_by_another_error() -> None:
    hr = torch.full((1, 3, 8, 8), 0.5)
    steps = [hr + 0.1, hr - 0.2]
    assert reconstruction_loss(steps, hr, "l1").item() == pytest.approx((0.1 + 0.2) / 2)
    # one band of 64, the mean, is off, by 8 times the error in three colours; and so are 3 x 64 pixels
    each = [0.01 * 3 * (8 * error) ** 2 / 2 + 0.1 * 3 * 64 * error**2 / 2 for error in (0.1, 0.2)]
    assert reconstruction_loss(steps, hr, "wavelet").item() == pytest.approx(sum(each) / 2, rel=1e-5)


def test_the_alignment_loss_averages_the_stacks() -> None:
    target = encode(torch.full((1, 68, 2), 5.0), 8)
    assert alignment_loss([target, target], target) == 0
    assert alignment_loss([target + 0.1, target - 0.3], target).item() == pytest.approx((0.01 + 0.09) / 2)


def test_faces_without_landmarks_are_left_out_of_the_alignment_loss() -> None:
    points = torch.full((2, 68, 2), 5.0)
    points[1] = torch.nan
    target = encode(points, 8)
    maps = (target.nan_to_num() + torch.tensor([0.1, 0.7])[:, None, None, None]).requires_grad_()
    loss = alignment_loss([maps], target)
    loss.backward()
    assert loss.item() == pytest.approx(0.01 / 2)  # the second costs nothing, and counts as a face
    assert maps.grad is not None
    assert maps.grad[0].abs().min() > 0
    assert not maps.grad[1].any()

    maps.grad = None
    alignment_loss([maps], target * torch.nan).backward()
    assert torch.equal(maps.grad, torch.zeros_like(maps))


def test_the_squared_errors_have_the_right_gradient() -> None:
    target = random(1, 2, 3, 3).detach() + 1
    assert gradcheck(lambda a, b: alignment_loss([a, b], target), (random(1, 2, 3, 3), random(1, 2, 3, 3)))
    assert gradcheck(lambda a, b: reconstruction_loss([a, b], target), (random(1, 2, 3, 3), random(1, 2, 3, 3)))


# ---- the weights of rare units


def test_a_rare_unit_weighs_more() -> None:
    # 1/r = 2, 4, 10; their sum is 16; times n = 3
    weights = au_weights(torch.tensor([0.5, 0.25, 0.1]))
    assert weights.tolist() == pytest.approx([3 * 2 / 16, 3 * 4 / 16, 3 * 10 / 16])


@pytest.mark.parametrize("published", PUBLISHED.values())
@pytest.mark.parametrize("scale", [0.1, 0.02])
def test_the_published_weights_of_each_fold_follow_from_rates(published: tuple[float, ...], scale: float) -> None:
    table = torch.tensor(published)
    weights = au_weights(scale / table)  # w is proportional to 1/r, whatever the scale of r
    torch.testing.assert_close(weights, table, rtol=0, atol=2e-4)  # the table has four decimals
    assert weights.mean().item() == pytest.approx(1)


def test_a_unit_that_never_occurs_weighs_nothing_and_changes_no_other() -> None:
    weights = au_weights(torch.tensor([0.5, UNKNOWN, 0.25, 0.1]))
    assert weights.tolist() == pytest.approx([3 * 2 / 16, 0, 3 * 4 / 16, 3 * 10 / 16])
    assert au_weights(torch.tensor([UNKNOWN, UNKNOWN])).tolist() == [0, 0]


def test_a_unit_may_occur_always() -> None:
    assert au_weights(torch.tensor([1.0, 0.5])).tolist() == pytest.approx([2 * 1 / 3, 2 * 2 / 3])
    assert au_weights(torch.tensor([1.0])).tolist() == [1]


@pytest.mark.parametrize("rate", [0.0, -0.1, 1.1])
def test_a_rate_that_is_none_is_refused(rate: float) -> None:
    with pytest.raises(ValueError, match=r"must lie in \(0, 1\]"):
        au_weights(torch.tensor([0.5, rate]))


# ---- Eq. 6


@pytest.mark.parametrize(
    ("p", "label", "expected"),
    [(0.5, 1.0, LN2), (0.9, 1.0, -math.log(0.9)), (0.9, 0.0, -math.log(0.1)), (0.2, 0.0, -math.log(0.8))],
)
def test_cross_entropy_of_one_unit(p: float, label: float, expected: float) -> None:
    loss = cross_entropy_loss(torch.tensor([[logit(p)]]), torch.tensor([[label]]), ONE)
    assert loss.item() == pytest.approx(expected, rel=1e-5)


def test_cross_entropy_sums_weighted_units_and_averages_faces() -> None:
    logits = torch.zeros(2, 3)  # p = .5: ln 2 a unit
    labels = torch.tensor([[1.0, 0.0, 1.0], [0.0, 0.0, UNKNOWN]])
    weights = torch.tensor([1.0, 2.0, 4.0])
    loss = cross_entropy_loss(logits, labels, weights)
    assert loss.item() == pytest.approx((1 + 2 + 4 + 1 + 2) / 2 * LN2)


def misprinted(p: float, y: float) -> float:
    """Eq. 6 as the paper prints it, y-hat log y-hat in place of y log y-hat."""
    return -(p * math.log(p) + (1 - y) * math.log(1 - p))


def test_the_misprint_of_equation_6_would_teach_to_miss() -> None:
    def ours(p: float) -> float:
        return cross_entropy_loss(torch.tensor([[logit(p)]]), torch.tensor([[1.0]]), ONE).item()

    # a unit is present; the network is more and more sure that it is not
    assert ours(0.5) < ours(0.1) < ours(0.01) < ours(0.001)
    assert ours(0.001) == pytest.approx(6.908, abs=1e-3)
    assert misprinted(0.1, 1) > misprinted(0.01, 1) > misprinted(0.001, 1)
    assert misprinted(0.001, 1) == pytest.approx(0.0069, abs=1e-4)


# ---- Eq. 7


@pytest.mark.parametrize(
    ("p", "label", "expected"),
    [
        (0.5, 1.0, 1 - (2 * 0.5 + 1) / (1 + 0.25 + 1)),  # 1/9
        (0.5, 0.0, 1 - 1 / (0.25 + 1)),  # 1/5
        (0.8, 1.0, 1 - 2.6 / 2.64),
        (0.5, 0.5, 0.0),  # a label in doubt, met: both are squared
    ],
)
def test_dice_of_one_unit(p: float, label: float, expected: float) -> None:
    loss = dice_loss(torch.tensor([[logit(p)]]), torch.tensor([[label]]), ONE)
    assert loss.item() == pytest.approx(expected, rel=1e-4, abs=1e-6)


@pytest.mark.parametrize("label", [0.0, 1.0])
def test_what_is_rightly_found_costs_nothing(label: float) -> None:
    right = torch.tensor([[40.0 if label else -40.0]])
    assert dice_loss(right, torch.tensor([[label]]), ONE).item() == pytest.approx(0, abs=1e-6)
    assert dice_loss(-right, torch.tensor([[label]]), ONE).item() == pytest.approx(0.5)  # 1 - 1 / (1 + 1)


def test_without_epsilon_a_rightly_absent_unit_would_cost_as_much_as_a_false_one() -> None:
    absent = torch.zeros(1, 1)
    for found in (-10.0, 10.0):  # p = .00005 and p = .99995
        assert dice_loss(torch.tensor([[found]]), absent, ONE, epsilon=0.0).item() == pytest.approx(1)


def test_dice_sums_weighted_units_and_averages_faces() -> None:
    labels = torch.tensor([[1.0, 0.0, 1.0], [0.0, 0.0, UNKNOWN]])
    loss = dice_loss(torch.zeros(2, 3), labels, torch.tensor([1.0, 2.0, 4.0]))
    assert loss.item() == pytest.approx((1 / 9 + 2 / 5 + 4 / 9 + 1 / 5 + 2 / 5) / 2)


# ---- Eq. 8, unknown labels, extremes


def test_the_au_loss_is_cross_entropy_plus_dice() -> None:
    loss = au_loss(torch.zeros(1, 2), torch.tensor([[1.0, 0.0]]), torch.tensor([1.0, 2.0]))
    assert loss.item() == pytest.approx(3 * LN2 + 1 / 9 + 2 / 5)


@pytest.mark.parametrize("loss", [cross_entropy_loss, dice_loss, au_loss])
def test_the_au_losses_have_the_right_gradient(loss) -> None:
    labels = torch.tensor([[1, 0, 1], [0, UNKNOWN, 1]], dtype=torch.float64)
    weights = torch.tensor([0.5, 1, 1.5], dtype=torch.float64)
    assert gradcheck(lambda logits: loss(logits, labels, weights), random(2, 3))


@pytest.mark.parametrize("loss", [cross_entropy_loss, dice_loss, au_loss])
def test_an_unknown_label_is_as_good_as_none(loss) -> None:
    labels = torch.tensor([[1.0, UNKNOWN, 0.0], [0.0, UNKNOWN, 1.0]])
    weights = torch.tensor([1.0, 2.0, 3.0])
    logits = torch.tensor([[0.3, 5.0, -1.0], [2.0, -5.0, 0.1]], requires_grad=True)
    kept = logits.detach()[:, [0, 2]].requires_grad_()

    masked = loss(logits, labels, weights)
    without = loss(kept, labels[:, [0, 2]], weights[[0, 2]])
    torch.testing.assert_close(masked, without)

    masked.backward()
    without.backward()
    assert kept.grad is not None
    assert logits.grad is not None
    assert logits.grad[:, 1].tolist() == [0, 0]
    torch.testing.assert_close(logits.grad[:, [0, 2]], kept.grad)


def test_no_known_label_at_all_costs_nothing() -> None:
    logits = torch.randn(2, 3, requires_grad=True)
    loss = au_loss(logits, torch.full((2, 3), UNKNOWN), torch.ones(3))
    loss.backward()
    assert loss == 0
    assert logits.grad is not None
    assert not logits.grad.any()


@pytest.mark.parametrize("extreme", [1e4, -1e4])
@pytest.mark.parametrize("label", [0.0, 1.0])
def test_extreme_logits_stay_finite(extreme: float, label: float) -> None:
    logits = torch.tensor([[extreme]], requires_grad=True)
    loss = au_loss(logits, torch.tensor([[label]]), ONE)
    loss.backward()
    wrong = (extreme > 0) != (label == 1)
    assert loss.item() == pytest.approx(1e4 + 0.5 if wrong else 0)
    assert logits.grad is not None
    assert logits.grad.isfinite().all()


# ---- Eq. 10-12: MPEGAN


@pytest.mark.parametrize(("error", "expected"), [("l2", (0.2**2 + 0.6**2) / 2), ("l1", (0.2 + 0.6) / 2)])
def test_the_perceptual_loss_compares_features(error: str, expected: float) -> None:
    def features(picture: Tensor) -> Tensor:
        return 2 * picture.mean((2, 3))  # (N, 3)

    hr = torch.full((2, 3, 4, 4), 0.5)
    sr = hr + torch.tensor([0.1, 0.3])[:, None, None, None]
    assert perceptual_loss(sr, hr, features, error).item() == pytest.approx(expected)
    assert perceptual_loss(sr, hr, features).item() == pytest.approx((0.2**2 + 0.6**2) / 2)  # squared, as in Eq. 10


def test_the_generator_pays_for_what_the_discriminator_sees_through() -> None:
    fake = torch.tensor([logit(0.5), logit(0.9), logit(0.01)])
    assert adversarial_loss(fake).item() == pytest.approx(-(math.log(0.5) + math.log(0.9) + math.log(0.01)) / 3)


def test_the_discriminator_pays_for_photographs_that_it_doubts_and_restored_faces_that_it_believes() -> None:
    real, fake = torch.tensor([logit(0.9), logit(0.6)]), torch.tensor([logit(0.2), logit(0.7)])
    doubted, believed = -(math.log(0.9) + math.log(0.6)) / 2, -(math.log(0.8) + math.log(0.3)) / 2
    assert discriminator_loss(real, fake).item() == pytest.approx(doubted + believed)
    assert discriminator_loss(torch.zeros(2), torch.zeros(2)).item() == pytest.approx(2 * LN2)


# ---- Eq. 13


LANDMARKS = torch.rand(2, 68, 2, generator=torch.Generator().manual_seed(0)) * 128
TARGET = Sample(
    hr=torch.full((2, 3, 128, 128), 0.5),
    lr=torch.full((2, 3, 16, 16), 0.5),
    landmarks=LANDMARKS,
    aus=torch.tensor([[1.0, 0.0], [0.0, UNKNOWN]]),
)
SR = tuple(TARGET.hr + error for error in (0.1, 0.2, 0.3))  # 14/300 on average
MAPS = encode(LANDMARKS / 4, 32)
STACKS = (MAPS + 0.1, MAPS - 0.3)  # .05 on average
WEIGHTS = torch.tensor([1.0, 2.0])
AU = ((LN2 + 1 / 9) + 2 * (LN2 + 1 / 5) + (LN2 + 1 / 5)) / 2  # p = .5 everywhere


def test_the_whole_objective_is_the_weighted_sum_of_its_terms() -> None:
    output = MPEOutput(SR, STACKS, torch.zeros(2, 2), None)
    terms = mpe_loss(output, TARGET, WEIGHTS, TrainConfig(lambda_align=0.1, lambda_au=0.01))
    assert terms.known().keys() == {"total", "rec", "align", "au"}
    assert terms.rec.item() == pytest.approx(0.14 / 3, rel=1e-5)
    assert terms.align.item() == pytest.approx(0.05, rel=1e-5)  # landmarks are told at a quarter of the side
    assert terms.au.item() == pytest.approx(AU, rel=1e-5)
    assert terms.total.item() == pytest.approx(0.14 / 3 + 0.1 * 0.05 + 0.01 * AU, rel=1e-5)


@pytest.mark.parametrize(("lambda_align", "lambda_au"), [(0.0, 0.0), (1.0, 0.0), (0.0, 1.0)])
def test_a_lambda_weighs_its_own_term(lambda_align: float, lambda_au: float) -> None:
    output = MPEOutput(SR, STACKS, torch.zeros(2, 2), None)
    terms = mpe_loss(output, TARGET, WEIGHTS, TrainConfig(lambda_align=lambda_align, lambda_au=lambda_au))
    assert terms.total.item() == pytest.approx(0.14 / 3 + lambda_align * 0.05 + lambda_au * AU, rel=1e-5)


def test_a_branch_that_is_switched_off_costs_nothing() -> None:
    for heatmaps, logits in ((None, torch.zeros(2, 2)), (STACKS, None), (None, None)):
        terms = mpe_loss(MPEOutput(SR, heatmaps, logits, None), TARGET, WEIGHTS, TrainConfig())
        assert terms.align.item() == pytest.approx(0 if heatmaps is None else 0.05, rel=1e-5)
        assert terms.au.item() == pytest.approx(0 if logits is None else AU, rel=1e-5)
        assert terms.total.item() == pytest.approx((terms.rec + 0.1 * terms.align + 0.01 * terms.au).item())


def test_mpegan_adds_two_terms_that_see_the_last_step_only() -> None:
    terms = mpe_loss(
        MPEOutput(SR, STACKS, torch.zeros(2, 2), None),
        TARGET,
        WEIGHTS,
        TrainConfig(lambda_align=0.1, lambda_au=0.01, lambda_per=0.2, lambda_adv=0.03),
        features=lambda picture: 2 * picture.mean((2, 3)),
        discriminator=lambda picture: picture.mean((1, 2, 3)) - 0.8,  # the last step's level: p = .5
    )
    assert terms.per is not None
    assert terms.per.item() == pytest.approx(0.6**2, rel=1e-5)
    assert terms.adv is not None
    assert terms.adv.item() == pytest.approx(LN2, rel=1e-5)
    assert terms.dis is None
    without = 0.14 / 3 + 0.1 * 0.05 + 0.01 * AU
    assert terms.total.item() == pytest.approx(without + 0.2 * 0.6**2 + 0.03 * LN2, rel=1e-5)


def test_pictures_and_their_features_are_compared_by_the_error_of_the_configuration() -> None:
    output = MPEOutput(SR, STACKS, torch.zeros(2, 2), None)
    config = TrainConfig(error="l1", dice=False)
    terms = mpe_loss(output, TARGET, WEIGHTS, config, features=lambda picture: 2 * picture)
    assert terms.rec.item() == pytest.approx((0.1 + 0.2 + 0.3) / 3, rel=1e-5)
    assert terms.per is not None
    assert terms.per.item() == pytest.approx(0.6, rel=1e-5)
    assert terms.align.item() == pytest.approx(0.05, rel=1e-5)  # heatmaps stay squared
    assert terms.au.item() == pytest.approx((LN2 + 2 * LN2 + LN2) / 2, rel=1e-5)  # and Dice is left out


def test_a_network_without_pictures_is_scored_on_what_it_has() -> None:
    terms = mpe_loss(MPEOutput((), (STACKS[0],), torch.zeros(2, 2), None), TARGET, WEIGHTS, TrainConfig())
    assert terms.rec == 0
    assert terms.align.item() == pytest.approx(0.01, rel=1e-5)
    assert terms.total.item() == pytest.approx(0.1 * 0.01 + 0.01 * AU, rel=1e-5)


def test_the_objective_reaches_every_output() -> None:
    sr = [step.clone().requires_grad_() for step in SR]
    stacks = [maps.clone().requires_grad_() for maps in STACKS]
    logits = torch.zeros(2, 2, requires_grad=True)
    terms = mpe_loss(MPEOutput(tuple(sr), tuple(stacks), logits, None), TARGET, WEIGHTS, TrainConfig())
    terms.total.backward()
    for output in (*sr, *stacks, logits):
        assert output.grad is not None
        assert output.grad.isfinite().all()
        assert output.grad.abs().max() > 0


def test_outputs_of_half_precision_are_scored_in_full() -> None:
    output = MPEOutput(SR, tuple(maps.bfloat16() for maps in STACKS), torch.zeros(2, 2).bfloat16(), None)
    terms = mpe_loss(output, TARGET, WEIGHTS, TrainConfig())
    assert {term.dtype for term in terms.known().values()} == {torch.float32}
    assert terms.align.item() == pytest.approx(0.05, rel=0.01)
    assert terms.au.item() == pytest.approx(AU, rel=1e-5)
