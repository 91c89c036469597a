"""Other priors for the later steps, on a network whose answer follows from what it is told."""

import pytest
import torch
from torch import Tensor

from mpe_lib import UserError, build_model, load
from mpe_lib.config import preset
from mpe_lib.heatmaps import decode
from mpe_lib.nets import MPENet, MPEOutput
from mpe_lib.steer import effects, steer


@pytest.fixture(scope="module")
def net() -> MPENet:
    small = load("small")
    assert isinstance(small, MPENet)
    return small


@pytest.fixture(scope="module")
def lr() -> Tensor:
    torch.manual_seed(0)
    return torch.rand(1, 3, 16, 16)


def same(one: MPEOutput, other: MPEOutput, steps: slice) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one.sr[steps], other.sr[steps], strict=True))


def test_told_nothing_it_is_the_networks_own_answer(net: MPENet, lr: Tensor) -> None:
    with torch.inference_mode():
        assert same(steer(net, lr), net(lr), slice(None))


def test_units_change_the_third_step_alone(net: MPENet, lr: Tensor) -> None:
    own, told = steer(net, lr), steer(net, lr, units={12: 1.0, 25: 0.0})
    assert same(own, told, slice(2))
    assert not torch.equal(own.sr[2], told.sr[2])
    at = [net.config.aus.index(number) for number in (12, 25)]
    assert told.au_logits is not None
    assert told.au_logits.sigmoid()[0, at].tolist() == pytest.approx([1, 0], abs=1e-5)


def test_its_own_belief_told_again_changes_nothing(net: MPENet, lr: Tensor) -> None:
    own = steer(net, lr)
    assert own.au_logits is not None
    belief = own.au_logits.sigmoid()[0].tolist()
    told = steer(net, lr, units=dict(zip(net.config.aus, belief, strict=True)))
    torch.testing.assert_close(told.sr[2], own.sr[2])


def test_a_landmark_lies_where_it_was_moved_to_and_the_others_stay(net: MPENet, lr: Tensor) -> None:
    own, told = steer(net, lr), steer(net, lr, moved={30: (8, -4)})
    assert own.heatmaps is not None
    assert told.heatmaps is not None
    before, after = (decode(of.heatmaps[-1])[0] for of in (own, told) if of.heatmaps)
    assert (after[30] - before[30]).tolist() == pytest.approx([2, -1])  # cells of four pixels
    assert torch.equal(after[torch.arange(68) != 30], before[torch.arange(68) != 30])
    assert same(own, told, slice(1))
    assert not torch.equal(own.sr[1], told.sr[1])


def test_attention_follows_a_landmark_that_is_moved(net: MPENet, lr: Tensor) -> None:
    own, told = steer(net, lr), steer(net, lr, moved={48: (12, 0)})  # AU12 lies at the corners of the mouth
    assert own.attention is not None
    assert told.attention is not None
    changed = (own.attention != told.attention).flatten(2).any(2)[0]
    assert [number for number, moved in zip(net.config.aus, changed, strict=True) if moved] == [12]


def test_units_that_are_not_told_follow_landmarks_that_are_moved(net: MPENet, lr: Tensor) -> None:
    moved = dict.fromkeys(range(48, 68), (0.0, 12.0))
    without = steer(net, lr, moved=moved)
    assert without.au_logits is not None
    own = without.au_logits.sigmoid()[0, net.config.aus.index(1)].item()
    told = steer(net, lr, units={1: own}, moved=moved)
    torch.testing.assert_close(told.sr, without.sr)
    torch.testing.assert_close(told.au_logits, without.au_logits, atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize("number", [-1, 68])
def test_a_landmark_that_there_is_not(net: MPENet, lr: Tensor, number: int) -> None:
    with pytest.raises(UserError, match=f"no landmark {number}"):
        steer(net, lr, moved={number: (1, 1)})


@pytest.mark.parametrize("units", [{99: 1.0}, {17: 1.0}])
def test_a_unit_that_the_network_does_not_know(net: MPENet, lr: Tensor, units: dict[int, float]) -> None:
    with pytest.raises(UserError, match=r"does not know AU(99|17)"):
        steer(net, lr, units=units)


def test_a_network_without_landmarks_has_none_to_move(lr: Tensor) -> None:
    config = preset("tiny").replace({"net.use_landmarks": False, "net.use_aus": False, "net.use_attention": False})
    plain = build_model(config.net)
    assert isinstance(plain, MPENet)
    with pytest.raises(UserError, match="no landmarks to move"):
        steer(plain, lr, moved={0: (1, 1)})
    with pytest.raises(UserError, match="does not know AU12"):
        steer(plain, lr, units={12: 1.0})
    assert effects(plain, lr).without == {}


def test_effects_are_those_of_zeros_in_place_of_a_prior(net: MPENet, lr: Tensor) -> None:
    found = effects(net, lr)
    assert list(found.without) == ["landmarks", "units", *(f"AU{number}" for number in net.config.aus)]
    with torch.inference_mode():
        own = net(lr)
        expected = {
            "landmarks": net(lr, heatmaps=torch.zeros_like(own.heatmaps[-1])),
            "units": net(lr, au_probability=torch.zeros_like(own.au_logits)),
            "AU12": steer(net, lr, units={12: 0.0}),
        }
    torch.testing.assert_close(found.own, own.sr[-1][0])
    for name, output in expected.items():
        torch.testing.assert_close(found.without[name], output.sr[-1][0])
