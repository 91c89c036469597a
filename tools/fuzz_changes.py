"""How the inputs of tools/fuzz.py change: by bytes, cells of a table, nodes of a tree, or lines."""

import itertools
import json
import struct
from collections.abc import Callable
from contextlib import suppress
from random import Random
from typing import Any

Mutate = Callable[[bytes, int], bytes]  # libFuzzer's own
Mutator = Callable[[bytes, int, Random, Mutate], bytes]

WORDS = [b"", b"0", b"1", b"9", b"-1", b"1e308", b"nan", b"inf", b"9" * 30, b"1" * 5000, b"\xff", b"\xef\xbb\xbf", b'"']
WORDS += [b"\0", b"\n", b"\r", b"../x", b"/etc/passwd", b"a/./0.png", b"n" * 300, b"\x1b[2J", "\u2028\u0663".encode()]
WORDS += [b"!!python/object/apply:os.getcwd []", b"!!int x", b"!!bool x", b"!!timestamp x", b"2001-99-99", b"&a", b"*a"]
WORDS += [b"<<", b"{seed.__class__}", b"{seed:>999999999}", b"[" * 2000, b"{}", b"null", b"~", b"#", b": ", b"- "]
VALUES: list[Any] = [None, True, 0, 1, -1, 2.0, 1e308, float("nan"), 10**30, 10**400, "", "9" * 5000, "\ud800", "\0\n"]
VALUES += ["../x", "n" * 300, [], {}, [[]], [None], {"": {}}, {"name": []}]


# Each takes data, the most bytes, and what is random.


def by_bytes(data: bytes, size: int, random: Random, mutate: Mutate) -> bytes:
    if random.random() < 0.8:
        return mutate(data, size)
    at = random.randint(0, len(data))
    return (data[:at] + random.choice(WORDS) + data[at:])[:size]


def by_cells(data: bytes, size: int, random: Random, mutate: Mutate) -> bytes:
    """A cell, or a row, of a CSV table."""
    rows = [row.split(b",") for row in data.split(b"\n")]
    row = random.choice(rows)
    cell = random.randrange(len(row))
    match random.randrange(7):
        case 0 | 1:
            row[cell] = random.choice(WORDS)
        case 2:
            row[cell] = mutate(row[cell], 100)
        case 3:
            rows.insert(random.randint(0, len(rows)), list(row))
        case 4:
            del row[cell]
        case 5:
            row.insert(cell, random.choice(random.choice(rows) or [b""]))
        case _:
            return by_bytes(data, size, random, mutate)
    return b"\n".join(map(b",".join, rows))[:size]


def by_nodes(load: Callable[[bytes], Any], dump: Callable[[Any], bytes]) -> Mutator:
    """A node of the tree that an input stands for."""

    def change(data: bytes, size: int, random: Random, mutate: Mutate) -> bytes:
        with suppress(Exception):  # no tree any more, or none that can be written
            top = [load(data)]
            places = [(top, 0)]
            for node, key in itertools.islice(places, 10_000):  # YAML may go in circles
                child = node[key]
                keys = child if isinstance(child, dict) else range(len(child)) if isinstance(child, list) else ()
                places += [(child, each) for each in keys]
            (node, key), (other, its) = random.choice(places), random.choice(places)
            match random.randrange(6):
                case 0 | 1:
                    node[key] = random.choice(VALUES)
                case 2:
                    node[key] = json.loads(json.dumps(other[its]))
                case 3 if node is not top:
                    del node[key]
                case 4 if isinstance(node, dict):
                    node[mutate(str(key).encode(), 50).decode(errors="replace")] = other[its]
                case _:
                    node[key] = mutate(str(node[key]).encode(), 100).decode(errors="replace")
            changed = dump(top[0])
            if random.random() < 0.9 and len(changed) <= size:
                return changed
        return by_bytes(data, size, random, mutate)

    return change


def by_lines(mutator: Mutator) -> Mutator:
    """A line of several, by another mutator."""

    def change(data: bytes, size: int, random: Random, mutate: Mutate) -> bytes:
        lines = data.split(b"\n")
        at = random.randrange(len(lines))
        lines[at : at + 1] = [mutator(lines[at], size, random, mutate)] * random.choice([0, 1, 1, 1, 1, 2])
        return b"\n".join(lines)[:size]

    return change


def to_json(value: Any) -> bytes:
    return json.dumps(value).encode()


def read_yaml(data: bytes) -> Any:
    import yaml

    return yaml.safe_load(data)


def to_yaml(value: Any) -> bytes:
    import yaml

    return yaml.safe_dump(value).encode()


def read_tensors(data: bytes) -> Any:
    """A safetensors file as a tree: its header, in which the config is a tree too, and the rest."""
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    with suppress(Exception):
        header["__metadata__"]["config"] = json.loads(header["__metadata__"]["config"])
    return [header, data[8 + length :].decode("latin-1")]


def to_tensors(tree: Any) -> bytes:
    header, rest = tree
    with suppress(Exception):
        header["__metadata__"]["config"] = json.dumps(header["__metadata__"]["config"])
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + rest.encode("latin-1")


BY_JSON = by_nodes(json.loads, to_json)
