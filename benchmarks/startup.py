"""What it costs to begin: `import mpe_lib` and its public names against `import torch`, and `mpe --help`."""

import statistics
import subprocess
import sys
import time

COMMANDS = {
    "import torch": ["-c", "import torch"],
    "import mpe_lib": ["-c", "import mpe_lib"],
    "from mpe_lib import load": ["-c", "from mpe_lib import load, build_model"],
    "mpe --help": ["-m", "mpe_lib.cli", "--help"],
}


def main() -> None:
    times: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(6):  # in turn, so that a disturbance hits all
        for name, command in COMMANDS.items():
            start = time.perf_counter()
            subprocess.run([sys.executable, *command], check=True, stdout=subprocess.DEVNULL)
            times[name].append(time.perf_counter() - start)
    medians = {name: statistics.median(values[1:]) for name, values in times.items()}
    for name, seconds in medians.items():
        print(f"{name:26}{seconds:6.2f} s{seconds / medians['import torch']:8.2f} x import torch")


if __name__ == "__main__":
    main()
