"""What tests share beside fixtures: the smallest network and training, and a file that would run code."""

from pathlib import Path
from typing import Any

# `tiny` made tinier still, for tests that are not about the network; and a training of four updates.
TINIER: dict[str, Any] = {"net.channels": 4, "net.groups": 1, "net.hourglass_width": 8, "net.au_width": 1 / 16}
LOOP: dict[str, Any] = {
    "train.updates": 4,
    "train.batch": 2,
    "train.warmup": 1,
    "train.validate_every": 2,
    "train.save_every": 2,
}


class Trap:
    """When unpickled, it makes a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.mkdir, (self.folder,)
