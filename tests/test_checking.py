"""A check says what is wrong with an answer, in words that lead to the mistake."""

import json
import re
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from mpe_lib.checking import VERDICT, Verdict, check, same_module
from mpe_lib.differences import difference

X = torch.arange(6.0).reshape(2, 3)


class Pair(NamedTuple):
    left: Tensor
    right: float


@pytest.mark.parametrize(
    ("got", "expected"),
    [
        (1.0, 1.0),
        (2, 2.0),  # a plain number may be whole
        (X + 1e-6, X),
        (np.array([1.0, np.nan]), np.array([1.0, np.nan])),
        (torch.tensor(3.0), 3.0),
        (np.float64(3), 3.0),
        ([1, X], [1, X]),
        (Pair(X, 1.0), Pair(X, 1.0)),
        ({"a": "b"}, {"a": "b"}),
        (None, None),
        (True, True),
    ],
)
def test_what_is_right(got: Any, expected: Any) -> None:
    assert difference(got, expected) is None


@pytest.mark.parametrize(
    ("got", "expected", "told"),
    [
        (None, X, "the result is None: is it not written yet, or is a `return` missing?"),
        ([1.0], X, "the result is a list, and should be a tensor"),
        ([1, 2], np.array([1.0, 2.0]), "the result is a list, and should be a NumPy array"),
        (X.numpy(), X, "the result is a NumPy array, and should be a tensor"),
        (nn.Identity(), X, "the result is the module Identity, not what it computes, and should be a tensor"),
        (X.T, X, "the result has shape (3, 2), and should have (2, 3): are two axes in the wrong order?"),
        (X[None], X, "the result has shape (1, 2, 3), and should have (2, 3): an axis of length 1 too many or too few"),
        (X.flatten(), X, "the result has shape (6,), and should have (2, 3): as many values, otherwise arranged"),
        (X.long(), X, "the result has dtype int64, and should have dtype float32"),
        (-X, X, "the result is -1 at [0, 1], and should be 1; 5 of 6 values differ: all have the wrong sign"),
        (X * 255, X, "5 of 6 values differ: all are 255 times what they should be"),
        (X + 2, X, "the result is 2 at [0, 0], and should be 0; 6 of 6 values differ: all are off by +2"),
        (X / 0, X, "NaN comes from 0 / 0"),
        (X + torch.eye(3)[:2], X, "the result is 1 at [0, 0], and should be 0; 2 of 6 values differ"),
        (0.5, 0.25, "the result is 0.5, and should be 0.25"),
        ({"short": False, "a number": True}, {"short": True, "a number": True}, "it is not so yet: short"),
        ("seven", 7, "the result is text, and should be a number"),
        (False, True, "the result is False, and should be True"),
        (1, True, "the result is 1, and should be True"),
        ((1, 2), (1, 2, 3), "the result has 2 parts, and should have 3"),
        (7, (1, 2), "the result is a number, and should be a tuple of 2"),
        (Pair(X, 2.0), Pair(X, 1.0), "the result's .right is 2, and should be 1"),
        ((X, X), (X, X + 1), "the result's [1] is 0 at [0, 0], and should be 1"),
        ({"a": 1}, {"b": 1}, "the result has the keys ['a'], and should have ['b']"),
        ({"a": 1}, {"a": 2}, "the result's ['a'] is 1, and should be 2"),
    ],
)
def test_what_is_wrong_is_told(got: Any, expected: Any, told: str) -> None:
    assert told in str(difference(got, expected))


def double(x: Tensor) -> Tensor:
    return 2 * x


def in_place(x: Tensor) -> Tensor:
    return x.mul_(2)


def broken(x: Tensor) -> Tensor:
    return x @ x


def detached(x: Tensor) -> Tensor:
    return 2 * x.detach()


def half_detached(x: Tensor) -> Tensor:
    return x + x.detach()


def todo(x: Tensor) -> Tensor: ...


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (double, None),
        (todo, "is it not written yet"),
        (in_place, "it changes its argument 0"),
        (broken, "it raises RuntimeError: mat1 and mat2 shapes cannot be multiplied (2x3 and 2x3) in `return x @ x`"),
        (detached, "no gradient reaches input 0: is something detached"),
        (half_detached, "the values are right, the gradient is not: of input 0, the result is 1 at [0, 0], and should"),
    ],
)
def test_a_function_against_one_that_is_right(answer: Callable[[Tensor], Tensor], problem: str | None) -> None:
    verdict = check(answer, double, (X,), gradient=True)
    assert verdict.name == answer.__name__
    assert verdict.problem == problem or (problem and problem in str(verdict.problem))
    assert torch.equal(X, torch.arange(6.0).reshape(2, 3))


def test_which_call_went_wrong_is_told_from_the_second_on() -> None:
    def never_above_2(number: float) -> float:
        return min(number, 2)

    def same(number: Any) -> Any:
        return number

    assert check(never_above_2, same, (3.0,), (1.0,)).problem == "the result is 2, and should be 3"
    assert check(never_above_2, same, (1.0,), (3.0,)).problem == "the result is 2, and should be 3 (case 2 of 2: 3.0)"
    long = check(lambda x: x[:2], same, (np.arange(2),), (np.arange(50),)).problem
    assert str(long).endswith("(case 2 of 2)")
    array = check(lambda x: x[:2], same, (np.arange(2),), (np.arange(3),)).problem
    assert str(array).endswith("(case 2 of 2: [0, 1, 2])")


class Thing:
    size = 3


def test_an_argument_may_be_anything() -> None:
    assert check(lambda thing: thing.size, lambda thing: 3, (Thing(),)).problem is None


def test_a_value_and_what_a_notebook_shows_of_it() -> None:
    assert repr(check(3, 3, name="how many")) == "how many: right"
    verdict = check("<3>", 3, name="how many")
    assert repr(verdict) == "how many: not yet. The result is text, and should be a number"
    shown = Verdict("a", "x < y")._repr_mimebundle_()
    assert "X &lt; y" in shown["text/html"]
    code = Verdict("a", "it raises KeyError: 1 in `x[1] < 2`")
    assert repr(code) == "a: not yet. It raises KeyError: 1 in “x[1] < 2”"
    assert re.search(
        r"not yet\. It raises .* in <code [^>]+>x\[1\] &lt; 2</code>", code._repr_mimebundle_()["text/html"]
    )
    assert json.loads(json.dumps(shown[VERDICT])) == {"name": "a", "right": False, "problem": "x < y"}


class Mine(nn.Module):
    def __init__(self, width: int = 3) -> None:
        super().__init__()
        self.layer = nn.Linear(3, width)
        self.slope = nn.PReLU()

    def forward(self, x: Tensor) -> Tensor:
        return self.slope(self.layer(x))


class Other(Mine):
    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.layer(x)) + 0 * self.slope(x)


def test_the_same_module_under_other_names() -> None:
    torch.manual_seed(0)  # of some weights, all that comes out is positive, and the slope unseen
    library = nn.Sequential(nn.Linear(3, 3), nn.PReLU())
    assert repr(same_module(Mine(), library, X)) == "Mine, the outputs and gradients of 13 parameters: right"
    with pytest.raises(AssertionError, match=r"layer\.weight is \(2, 3\) where the library has 0\.weight, \(3, 3\)"):
        same_module(Mine(2), library, X)
    with pytest.raises(AssertionError, match="3 tensors of weights, where the library has 2"):
        same_module(Mine(), library[0], X)
    with pytest.raises(AssertionError, match=r"values differ|the gradient is not"):
        same_module(Other(), library, X)


def test_a_gradient_that_cannot_be_had_is_told() -> None:
    verdict = check(
        lambda x: float(x.detach().numpy().sum()) if not x.requires_grad else x.numpy(),
        lambda x: x.sum().item(),
        (X,),
        gradient=True,
    )
    assert verdict.problem is not None
    assert verdict.problem.startswith("the values are right, but with a gradient it raises RuntimeError")


def test_none_in_a_calculation_is_explained() -> None:
    assert "not written yet" in (check(lambda x: x + None, lambda x: x, (1,)).problem or "")
