"""Whether what a learner wrote is right, and if it is not, what is wrong with it."""

import copy
import re
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from mpe_lib.differences import difference

VERDICT = "application/vnd.mpe.verdict+json"  #: how a verdict is stored in a notebook, for whoever grades it
CODE = re.compile(r"`([^`]+)`")


@dataclass(frozen=True)
class Verdict:
    """What a check found; a notebook shows it in colour."""

    name: str
    problem: str | None

    def __repr__(self) -> str:
        return CODE.sub(r"“\1”", self._sentence())

    def _sentence(self) -> str:
        """What was found, with code between backticks."""
        if self.problem is None:
            return f"{self.name}: right"
        return f"{self.name}: not yet. {self.problem[:1].upper()}{self.problem[1:]}"

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        colour, sign = ("#2c7548", "✓") if self.problem is None else ("#a8460f", "✗")
        said = CODE.sub(r'<code style="background: none; color: inherit">\1</code>', escape(self._sentence()))
        return {
            "text/plain": repr(self),
            "text/html": f'<span style="background: white; color: {colour}">{sign} {said}</span>',
            VERDICT: {"name": self.name, "right": self.problem is None, "problem": self.problem},
        }


def check(
    answer: Any,
    expected: Any,
    *cases: tuple[Any, ...],
    gradient: bool = False,
    atol: float = 1e-5,
    name: str = "",
) -> Verdict:
    """Whether an answer is right, and if it is not, what is wrong with it.

    Args:
        answer: a function that a learner wrote, or a value.
        expected: a function that does what it should, or the right value.
        cases: arguments to call both with, a tuple for each call; none to compare the two as they are.
        gradient: compare the gradients with respect to the floating-point tensors among the arguments as well.
        atol: see `differences.difference`.
        name: what the exercise is called; the function's name unless given.
    """
    name = name or str(getattr(answer, "__name__", "answer"))
    if not cases:
        return Verdict(name, difference(answer, expected, atol))
    for number, arguments in enumerate(cases, 1):
        problem = _problem(answer, expected, arguments, gradient, atol)
        if problem:
            which = f" (case {number} of {len(cases)}{_words(arguments)})" if number > 1 else ""
            return Verdict(name, f"{problem}{which}")
    return Verdict(name, None)


def same_module(mine: nn.Module, library: nn.Module, *inputs: Any, atol: float = 1e-5) -> Verdict:
    """That a module computes what the library's does: with the same weights the same outputs and gradients.

    The weights of `library` are copied into `mine`, in the order in which each defines them.

    Raises:
        AssertionError: it does not; the message says where they part.
    """
    ours, theirs = mine.state_dict(), library.state_dict()
    for (one, left), (other, right) in zip(ours.items(), theirs.items(), strict=False):
        if left.shape != right.shape:
            raise AssertionError(f"{one} is {tuple(left.shape)} where the library has {other}, {tuple(right.shape)}")
    if len(ours) != len(theirs):
        raise AssertionError(f"{len(ours)} tensors of weights, where the library has {len(theirs)}")
    with torch.no_grad():
        mine.load_state_dict(dict(zip(ours, theirs.values(), strict=True)))
    mine.train(library.training)
    problem = _problem(mine, library, inputs, True, atol, [list(mine.parameters()), list(library.parameters())])
    if problem:
        raise AssertionError(problem)
    count = sum(parameter.numel() for parameter in mine.parameters())
    return Verdict(f"{type(mine).__name__}, the outputs and gradients of {count:,} parameters", None)


def _problem(
    answer: Callable[..., Any],
    expected: Callable[..., Any],
    arguments: tuple[Any, ...],
    gradient: bool,
    atol: float,
    parameters: Sequence[Sequence[Tensor]] = ((), ()),
) -> str | None:
    """What the first of two functions does differently when called with these arguments."""
    given = _copy(arguments)
    try:
        got = answer(*given)
    except Exception as error:
        return _raised(error)
    for number, (one, other) in enumerate(zip(given, arguments, strict=True)):
        if isinstance(other, Tensor | np.ndarray | list | dict) and difference(one, other, 0):
            return f"it changes its argument {number}, which somebody else may still need"
    problem = difference(got, expected(*_copy(arguments)), atol)
    if problem or not gradient:
        return problem
    theirs = _gradients(expected, _copy(arguments), parameters[1])
    try:
        mine = _gradients(answer, _copy(arguments), parameters[0])
    except Exception as error:
        return f"the values are right, but with a gradient {_raised(error)}"
    for number, (one, other) in enumerate(zip(mine, theirs, strict=True)):
        if one is None and other is not None:
            return f"no gradient reaches input {number}: is something detached, or turned into NumPy?"
        problem = None if other is None else difference(one, other, atol)
        if problem:
            return f"the values are right, the gradient is not: of input {number}, {problem}"
    return None


def _words(arguments: tuple[Any, ...]) -> str:
    """What a function was called with, if that is short."""
    words = ", ".join(f"{each.tolist()}" if isinstance(each, np.ndarray) else repr(each) for each in arguments)
    return f": {words}" if len(words) <= 80 and "\n" not in words and " at 0x" not in words else ""


def _copy(arguments: tuple[Any, ...]) -> list[Any]:
    return [each.detach().clone() if isinstance(each, torch.Tensor) else copy.deepcopy(each) for each in arguments]


def _gradients(
    function: Callable[..., Any], arguments: list[Any], weights: Sequence[Tensor]
) -> Sequence[Tensor | None]:
    """With respect to arguments and weights, of a sum of all that is computed in which no two values count alike."""
    inputs = [each for each in arguments if isinstance(each, torch.Tensor) and each.is_floating_point()]
    for each in inputs:
        each.requires_grad_()
    inputs += weights
    parts = [part for part in _tensors(function(*arguments)) if part.requires_grad]
    if not parts:
        return [None] * len(inputs)
    sums = [(part * torch.linspace(1, 2, part.numel()).view_as(part)).sum() for part in parts]
    return torch.autograd.grad(torch.stack(sums).sum(), inputs, allow_unused=True)


def _tensors(result: Any) -> Iterator[Tensor]:
    if isinstance(result, torch.Tensor):
        yield result
    elif isinstance(result, dict):
        for part in result.values():
            yield from _tensors(part)
    elif isinstance(result, list | tuple):
        for part in result:
            yield from _tensors(part)


def _raised(error: Exception) -> str:
    """An exception, and the line of the learner's that raised it."""
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame for frame in frames[1:] if frame.line and "site-packages" not in frame.filename]
    line = f" in `{lines[-1].line}`" if lines else ""
    missing = (
        " (None is what a function gives that is not written yet, or has no `return`)"
        if "NoneType" in str(error)
        else ""
    )
    return f"it raises {type(error).__name__}: {error}{line}{missing}"
