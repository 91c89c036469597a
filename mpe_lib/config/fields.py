"""Fields of a config: read from text, checked, and told with a remedy where they are wrong."""

import difflib
import math
import operator
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any, Literal, get_args, get_origin, get_type_hints

from mpe_lib.config.units import AU_SETS
from mpe_lib.errors import UserError
from mpe_lib.files import parse_json

# The largest numbers of a config: of layers and of steps, else of a part.
MOST = dict.fromkeys(("groups", "iterations", "depth", "blocks", "fusion_blocks"), 64) | {
    "net": 4096,
    "train": 2**63 - 1,
}


def near(name: str, known: Iterable[str]) -> str:
    """The remedy for a misspelt name: the nearest known ones, or all of them."""
    known = list(known)
    close = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    return f"did you mean {' or '.join(close)}?" if close else f"known: {', '.join(known)}"


def parse(owner: type, path: str, value: Any) -> Any:
    """`value` as the type of the field that `path` names, as in train.lr; read from text where it is text.

    Args:
        owner: the dataclass that has the field.

    Raises:
        UserError: it can't be read as that type.
    """
    name = path.split(".")[1]
    kind = get_type_hints(owner)[name]
    if path == "net.aus":
        return _parse_aus(value)
    if get_origin(kind) is tuple:
        return _parse_shares(path, value)
    if isinstance(value, str) and kind is not str:
        with suppress(ValueError):  # a word stays one: a choice, or wrong
            value = float(value) if kind is float else parse_json(value.lower() if kind is bool else value)
    if get_origin(kind) is Literal:
        return value  # checked when the config is made
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        with suppress(OverflowError):
            value = float(value)
    if type(value) is not kind or (isinstance(value, float) and not math.isfinite(value)):
        raise UserError(f"{path}={value!r} is not a {kind.__name__}", _example(owner, path))
    return value


def choices(config: Any, part: str) -> None:
    """Fields with a few choices hold one of them.

    Raises:
        UserError: one holds something else.
    """
    for name, kind in get_type_hints(type(config)).items():
        if get_origin(kind) is not Literal:
            continue
        value = getattr(config, name)
        if not any(value == each and type(value) is type(each) for each in get_args(kind)):
            known = ", ".join(map(str, get_args(kind)))
            raise UserError(f"{part}.{name}={value!r} is not a choice", f"one of {known}")


def at_least(config: Any, part: str, lowest: Mapping[str, float]) -> None:
    """Fields are not below their bounds.

    Raises:
        UserError: one is.
    """
    for name, bound in lowest.items():
        if getattr(config, name) < bound:
            path = f"{part}.{name}"
            raise UserError(f"{path}={getattr(config, name)} is below {bound}", _example(type(config), path))


def small_enough(config: Any, part: str) -> None:
    """Refuse what would take all of the memory, or never end.

    Raises:
        UserError: a number that no network can be built of, or no loop or random number can begin with.
    """
    for name, kind in get_type_hints(type(config)).items():
        most = MOST.get(name, MOST[part])
        if (kind is int or (kind is float and part == "net")) and getattr(config, name) > most:
            path = f"{part}.{name}"
            raise UserError(f"{path}={getattr(config, name)} is above {most}", _example(type(config), path))


def below(config: Any, part: str, names: Iterable[str], bound: float) -> None:
    """Fields are below a bound.

    Raises:
        UserError: one is not.
    """
    for name in names:
        path = f"{part}.{name}"
        if getattr(config, name) >= bound:
            raise UserError(f"{path}={getattr(config, name)} is not below {bound}", _example(type(config), path))


def _parse_aus(value: Any) -> tuple[int, ...]:
    """A set's name, or numbers: '1,2,4', [1, 2, 4]."""
    if isinstance(value, str) and value in AU_SETS:
        return AU_SETS[value]
    numbers = value.split(",") if isinstance(value, str) else value
    try:
        return tuple(int(number) if isinstance(number, str) else operator.index(number) for number in numbers)
    except (TypeError, ValueError):
        raise UserError(f"net.aus={value!r} names no action units", "bp4d, disfa, or numbers as in 1,2,4") from None


def _parse_shares(path: str, value: Any) -> tuple[float, ...]:
    """Numbers between 0 and 1: '.5,.75', [.5, .75]; none at all: ''."""
    numbers = value.split(",") if isinstance(value, str) and value else value or ()
    try:
        shares = tuple(float(number) for number in numbers)
    except (TypeError, ValueError, OverflowError):
        shares = (math.nan,)
    if not all(0 < share < 1 for share in shares):
        raise UserError(f"{path}={value!r} names no shares of the updates", f"numbers as in --set {path}=.5,.75")
    return shares


def _example(owner: type, path: str) -> str:
    """A value that is right: the default."""
    return f"for example --set {path}={getattr(owner, path.split('.')[1])}"
