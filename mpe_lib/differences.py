"""How two results differ, in words that help whoever wrote one of them."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Path = str  # where in a result: "", "[1]", ".heatmaps", "['AU12']"


def difference(got: Any, expected: Any, atol: float = 1e-5, where: Path = "") -> str | None:
    """What is wrong with `got`, or None if it is as `expected`.

    Numbers, arrays and tensors are compared by kind, shape, and value; lists, tuples and dictionaries part by part.

    Args:
        got: a learner's result.
        expected: what it should be.
        atol: how far values may be off, relative to the largest expected one where that is above 1.
        where: which part of the whole result this is.
    """
    if got is None and expected is not None:
        return f"{_name(where)} is None: is it not written yet, or is a `return` missing?"
    if isinstance(expected, Mapping):
        return _of_mappings(got, expected, atol, where)
    if isinstance(expected, list | tuple):
        return _of_sequences(got, expected, atol, where)
    if isinstance(expected, bool | str) or expected is None:
        return None if type(got) is type(expected) and got == expected else _instead(got, expected, where)
    return _of_numbers(got, expected, atol, where)


def _of_mappings(got: Any, expected: Mapping[Any, Any], atol: float, where: Path) -> str | None:
    if not isinstance(got, Mapping):
        return f"{_name(where)} is {_kind(got)}, and should be a dictionary"
    if got.keys() != expected.keys():
        return f"{_name(where)} has the keys {list(got)}, and should have {list(expected)}"
    if all(value is True for value in expected.values()):  # what is promised of an open exercise
        broken = [str(key) for key in expected if got[key] is not True]
        return f"it is not so yet: {', '.join(broken)}" if broken else None
    parts = (difference(got[key], expected[key], atol, f"{where}[{key!r}]") for key in expected)
    return next((part for part in parts if part), None)


def _of_sequences(got: Any, expected: list[Any] | tuple[Any, ...], atol: float, where: Path) -> str | None:
    if not isinstance(got, list | tuple):
        return f"{_name(where)} is {_kind(got)}, and should be a {type(expected).__name__} of {len(expected)}"
    if len(got) != len(expected):
        return f"{_name(where)} has {len(got)} parts, and should have {len(expected)}"
    names = getattr(expected, "_fields", None)
    for number, (one, other) in enumerate(zip(got, expected, strict=True)):
        found = difference(one, other, atol, f"{where}.{names[number]}" if names else f"{where}[{number}]")
        if found:
            return found
    return None


def _of_numbers(got: Any, expected: Any, atol: float, where: Path) -> str | None:
    name = _name(where)
    kind = next((kind for kind in (Tensor, np.ndarray) if isinstance(expected, kind)), object)
    if not isinstance(got, kind):
        return f"{name} is {_kind(got)}, and should be {_kind(expected)}"
    try:
        mine, right = _array(got), _array(expected)
    except (TypeError, ValueError):
        return f"{name} is {_kind(got)}, and should be {_kind(expected)}"
    if mine.shape != right.shape:
        return f"{name} has shape {mine.shape}, and should have {right.shape}{_shape_hint(mine.shape, right.shape)}"
    if not _plain(expected) and _inexact(got) != _inexact(expected):
        return f"{name} has {_dtype(got)}, and should have {_dtype(expected)}"
    wrong = ~np.isclose(
        mine, right, rtol=0, atol=atol * max(1, float(np.nanmax(np.abs(right), initial=0))), equal_nan=True
    )
    if not wrong.any():
        return None
    index = tuple(int(i) for i in np.argwhere(wrong)[0])
    at = f" at {list(index)}" if index else ""
    many = f"; {wrong.sum():,} of {wrong.size:,} values differ" if wrong.size > 1 else ""
    return f"{name} is {mine[index]:.6g}{at}, and should be {right[index]:.6g}{many}{_value_hint(mine, right)}"


def _shape_hint(mine: tuple[int, ...], right: tuple[int, ...]) -> str:
    if len(mine) > 1 and sorted(mine) == sorted(right):
        return ": are two axes in the wrong order?"
    if tuple(n for n in mine if n != 1) == tuple(n for n in right if n != 1):
        return ": an axis of length 1 too many or too few"
    if np.prod(mine) == np.prod(right):
        return ": as many values, otherwise arranged"
    return ""


def _value_hint(mine: NDArray[Any], right: NDArray[Any]) -> str:
    """What single change would make all values right, if there is one."""
    if np.isnan(mine).any() and not np.isnan(right).any():
        return ": NaN comes from 0 / 0, or from the logarithm or root of a negative number"
    if mine.size < 2 or not np.isfinite(mine).all() or not np.isfinite(right).all():
        return ""
    scale = float(np.abs(right).max())
    close = 1e-4 * scale
    if np.ptp(right) > 0 and np.allclose(mine, -right, rtol=0, atol=close):
        return ": all have the wrong sign"
    if np.ptp(right) > 0 and np.abs(mine).max() > 0:
        factor = float((mine * right).sum() / (right * right).sum())
        if abs(factor - 1) > 1e-3 and np.allclose(mine, factor * right, rtol=0, atol=abs(factor) * close):
            return f": all are {factor:.4g} times what they should be"
    shift = float((mine - right).mean())
    if np.allclose(mine - shift, right, rtol=0, atol=close):
        return f": all are off by {shift:+.4g}"
    return ""


def _instead(got: Any, expected: Any, where: Path) -> str:
    return f"{_name(where)} is {got!r}, and should be {expected!r}"


def _name(where: Path) -> str:
    return f"the result's {where}" if where else "the result"


def _plain(value: Any) -> bool:
    return isinstance(value, int | float)


def _array(value: Any) -> NDArray[Any]:
    if isinstance(value, Tensor):
        return value.detach().double().cpu().numpy()
    return np.asarray(value).astype(np.float64)


def _inexact(value: Any) -> bool:
    return (
        value.is_floating_point() if isinstance(value, Tensor) else np.issubdtype(np.asarray(value).dtype, np.floating)
    )


def _dtype(value: Any) -> str:
    return f"dtype {str(value.dtype).removeprefix('torch.')}"


def _kind(value: Any) -> str:
    if value is None:
        return "None"
    if isinstance(value, torch.nn.Module):
        return f"the module {type(value).__name__}, not what it computes"
    names = {"Tensor": "a tensor", "ndarray": "a NumPy array", "int": "a number", "float": "a number", "str": "text"}
    return names.get(type(value).__name__, f"a {type(value).__name__}")
