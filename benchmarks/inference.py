"""Time of one aligned face, 16 x 16 to 128 x 128, for each preset: contiguous and channels last.

And how many times as long another one takes, each in the better of the two layouts.
"""

import argparse
from functools import partial

import torch
from machine import median_seconds

from mpe_lib import build_model
from mpe_lib.machine import describe
from mpe_lib.memory import keep_freed_memory

BOUNDS = {"small": 0.12, "base": 0.35}  # seconds on 2 cores
AHEAD = {"paper": 1.6, "base": 4.0}  # of DIC


@torch.inference_mode()
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--presets", nargs="+", default=["tiny", "small", "base", "paper", "dic"])
    parser.add_argument("--against", default="dic", help="one of them")
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    keep_freed_memory()
    print(describe())
    print(f"{'preset':8}{'contiguous s':>14}{'channels last s':>17}{'ratio':>8}{'bound s':>9}")
    best: dict[str, float] = {}
    for preset in arguments.presets:
        net, face = build_model(preset).eval(), torch.rand(1, 3, 16, 16)
        plain = median_seconds(partial(net, face), arguments.repeats)
        net.to(memory_format=torch.channels_last)
        last = median_seconds(partial(net, face), arguments.repeats)
        print(f"{preset:8}{plain:14.3f}{last:17.3f}{plain / last:8.2f}{BOUNDS.get(preset, float('nan')):9.2f}")
        best[preset] = min(plain, last)
    if arguments.against in best:
        print(f"\n{arguments.against} takes, by {'':18}{'times':>8}{'bound':>9}")
        for preset, seconds in best.items():
            print(f"{preset:34}{best[arguments.against] / seconds:8.2f}{AHEAD.get(preset, float('nan')):9.2f}")


if __name__ == "__main__":
    main()
