"""What an update costs as the network or its pictures grow, one thing at a time, beside the operations it takes."""

import argparse
from pathlib import Path
from typing import Any

import torch
from machine import median_seconds
from matplotlib.figure import Figure
from operations import operations

from mpe_lib.config import NetConfig, preset
from mpe_lib.machine import describe
from mpe_lib.memory import keep_freed_memory
from mpe_lib.nets import MPENet
from mpe_lib.show import ACCENT, MUTED

BASELINE = {"net.use_landmarks": False, "net.use_aus": False, "net.use_attention": False}  # the SR branch alone
SWEEPS: dict[str, list[Any]] = {
    "net.channels": [16, 32, 48, 64],
    "net.groups": [1, 2, 4, 6, 8],
    "net.iterations": [1, 2, 3, 4],
    "side of the input": [8, 16, 24, 32],
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--preset", default="base")
    parser.add_argument("--batch", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--picture", type=Path, help="draw the curves into this file")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    keep_freed_memory()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    print(describe())
    print(f"{arguments.preset}, its SR branch, batch {arguments.batch}: forward and back")
    measured: dict[str, list[tuple[int, float, float]]] = {}
    for name, values in SWEEPS.items():
        print(f"{name:20}{'seconds':>9}{'GFLOP':>9}{'GFLOP/s':>9}")
        for value in values:
            changes = BASELINE | ({name: value} if name.startswith("net.") else {})
            net = preset(arguments.preset).replace(changes).net
            side = 16 if name.startswith("net.") else value
            seconds = update_seconds(net, side, arguments, device)
            gflop = 3 * arguments.batch * operations(net, side)
            measured.setdefault(name, []).append((value, seconds, gflop))
            print(f"{value:20}{seconds:9.3f}{gflop:9.0f}{gflop / seconds:9.0f}", flush=True)
    if arguments.picture:
        draw(measured).savefig(arguments.picture, dpi=110)


def update_seconds(config: NetConfig, side: int, arguments: argparse.Namespace, device: torch.device) -> float:
    """Median time of a pass there and back."""
    net = MPENet(config).to(device=device, memory_format=torch.channels_last)
    lr = torch.rand(arguments.batch, 3, side, side, device=device)

    def there_and_back() -> None:
        torch.stack([sr.square().mean() for sr in net(lr).sr]).sum().backward()

    return median_seconds(there_and_back, arguments.repeats)


def draw(measured: dict[str, list[tuple[int, float, float]]]) -> Figure:
    """Time and operations, each as a multiple of the smallest network's."""
    figure = Figure(figsize=(13, 3.4), layout="constrained")
    for axes, (name, points) in zip(figure.subplots(1, len(measured)), measured.items(), strict=True):
        values, seconds, gflop = zip(*points, strict=True)
        axes.plot(values, [each / seconds[0] for each in seconds], "o-", color=ACCENT, label="time")
        axes.plot(values, [each / gflop[0] for each in gflop], "s--", color=MUTED, label="operations")
        axes.set(xlabel=name.removeprefix("net."), xticks=values, ylim=0)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False)
    figure.suptitle("an update, as a multiple of the smallest")
    return figure


if __name__ == "__main__":
    main()
