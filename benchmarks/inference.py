"""Time of one aligned face, 16 x 16 to 128 x 128, for each preset: contiguous and channels last.

And how many times as long another one takes, each in the better of the two layouts. All take turns, so that a machine
that slows down slows them all; the medians over the rounds are shown.
"""

import argparse
import statistics
import time
from collections import defaultdict

import torch

from mpe_lib import build_model
from mpe_lib.machine import describe
from mpe_lib.memory import keep_freed_memory

BOUNDS = {"small": 0.12, "base": 0.35}  # seconds on 2 cores
AHEAD = {"paper": 1.6, "base": 4.0}  # of DIC
LAYOUTS = {"contiguous": torch.contiguous_format, "channels last": torch.channels_last}
WARMING = 3  # rounds: the first allocate and choose kernels


@torch.inference_mode()
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--presets", nargs="+", default=["tiny", "small", "base", "paper", "dic"])
    parser.add_argument("--against", default="dic", help="one of them")
    parser.add_argument("--repeats", type=int, default=25)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    keep_freed_memory()
    print(describe())
    face = torch.rand(1, 3, 16, 16)
    nets = {
        (preset, layout): build_model(preset).eval().to(memory_format=order)
        for preset in arguments.presets
        for layout, order in LAYOUTS.items()
    }
    times: dict[tuple[str, str], list[float]] = defaultdict(list)
    for round_ in range(WARMING + arguments.repeats):
        for which, net in nets.items():
            start = time.perf_counter()
            net(face)
            if round_ >= WARMING:
                times[which].append(time.perf_counter() - start)
    medians = {which: statistics.median(each) for which, each in times.items()}

    print(f"{'preset':8}{'contiguous s':>14}{'channels last s':>17}{'ratio':>8}{'bound s':>9}")
    best: dict[str, list[float]] = {}
    for preset in arguments.presets:
        plain, last = (medians[preset, layout] for layout in LAYOUTS)
        best[preset] = times[min(((preset, layout) for layout in LAYOUTS), key=medians.__getitem__)]
        print(f"{preset:8}{plain:14.3f}{last:17.3f}{plain / last:8.2f}{BOUNDS.get(preset, float('nan')):9.2f}")
    if arguments.against in best:
        print(f"\n{arguments.against} takes, by{'times':>12}{'bound':>9}")
        for preset, each in best.items():
            ratio = statistics.median(a / b for a, b in zip(best[arguments.against], each, strict=True))
            print(f"{preset:16}{ratio:8.2f}{AHEAD.get(preset, float('nan')):9.2f}")


if __name__ == "__main__":
    main()
