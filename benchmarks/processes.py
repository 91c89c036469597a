"""One process against two that share each batch: 200 updates each, beside what another seed changes.

Batch norm sees the faces of its own process only, so the two don't end at the same numbers; the question is whether
they end elsewhere than another seed would.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from mpe_lib.machine import describe

SMALL = {"channels": 8, "groups": 2, "hourglass_width": 16, "au_width": 0.125}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--faces", default="synthetic:400")
    parser.add_argument("--updates", type=int, default=200)
    arguments = parser.parse_args()
    print(describe())
    print(f"{arguments.faces}, {arguments.updates} updates of 8 faces, a network of {SMALL}")
    print(f"{'':24}{'PSNR dB':>9}{'L_rec':>10}{'L_align':>10}{'L_au':>8}{'seconds':>9}")
    with tempfile.TemporaryDirectory() as folder:
        for seed, processes in ((0, 1), (1, 1), (2, 1), (0, 2)):
            out = Path(folder) / f"{seed}-{processes}"
            start = time.perf_counter()
            train(out, arguments.faces, arguments.updates, seed, processes)
            seconds = time.perf_counter() - start
            lines = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
            late = lines[-len(lines) // 5 :]
            rec, align, au = (sum(line[f"loss_{name}"] for line in late) / len(late) for name in ("rec", "align", "au"))
            name = f"seed {seed}, {processes} process{'es' if processes > 1 else ''}"
            print(f"{name:24}{lines[-1]['psnr'][-1]:9.3f}{rec:10.5f}{align:10.6f}{au:8.3f}{seconds:9.0f}", flush=True)


def train(out: Path, faces: str, updates: int, seed: int, processes: int) -> None:
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node", str(processes)]
    sets = [f"--set=net.{name}={value}" for name, value in SMALL.items()]
    sets += [f"--set=train.seed={seed}", "--set=train.log_every=2", "--set=train.validate_every=1000"]
    command = [sys.executable, *launcher, "-m", "mpe_lib.cli", "train", "--preset", "tiny", "--faces", faces]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}  # as many cores for each: the time is a comparison too
    subprocess.run(
        [*command, "--out", str(out), "--updates", str(updates), *sets],
        check=True,
        env=environment,
        capture_output=True,
    )


if __name__ == "__main__":
    main()
