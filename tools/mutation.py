"""Change losses, au and metrics a little, one change at a time, and see which their tests miss: tools/mutation.py

mutmut makes the changes (pyproject.toml says where) and runs the tests that reach them. Printed are the share of
changes that a test notices, of each module, and every change that none does. Below 85% of any module is a failure.

It changes all code in functions, but for docstrings, annotations and the text of error messages. What stands outside
of functions it leaves alone: the catalogue of action units, which tests/test_au.py repeats.
"""

import re
import shutil
import subprocess
import sys
from collections import Counter, defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LEAST = 0.85
MUTMUT = [sys.executable, "-m", "mutmut"]

# Changes after which the code does the same, by what is written instead, and why.
SAME: dict[str, str] = {}


def main() -> int:
    shutil.rmtree(ROOT / "mutants", ignore_errors=True)  # else results for other tests would count
    subprocess.run([*MUTMUT, "run"], cwd=ROOT, stdout=sys.stderr, check=True)
    outcomes: dict[str, Counter[bool]] = defaultdict(Counter)
    missed: list[str] = []
    for name, outcome in re.findall(r"^ +(\S+): (.+)$", told("results", "--all", "true"), re.M):
        noticed = outcome in ("killed", "timeout")
        outcomes[module(name)][noticed] += 1
        missed += [] if noticed else [name]
    print(f"{'':20}{'changes':>8}{'noticed':>8}")
    for name, counts in sorted(outcomes.items()):
        print(f"{name:20}{counts.total():8}{counts[True] / counts.total():8.1%}")
    total = sum(outcomes.values(), Counter[bool]())
    print(f"{'together':20}{total.total():8}{total[True] / total.total():8.1%}")
    for name in missed:
        explain(name)
    return int(any(counts[True] < LEAST * counts.total() for counts in outcomes.values()))


def module(name: str) -> str:
    """mpe_lib.losses of mpe_lib.losses.x_au_loss__mutmut_3."""
    return name.rpartition(".")[0]


def explain(name: str) -> None:
    """Print a change that no test notices."""
    changed = re.findall(r"^[-+] .*$", told("show", name), re.M)
    print(f"\n{module(name)}", *(f"{line[0]} {line[1:].strip()}" for line in changed), sep="\n")
    reason = SAME.get(changed[-1][1:].strip())
    if reason:
        print(f"  the same: {reason}")


def told(*arguments: str) -> str:
    """What mutmut prints."""
    return subprocess.run([*MUTMUT, *arguments], cwd=ROOT, stdout=subprocess.PIPE, check=True, text=True).stdout


if __name__ == "__main__":
    sys.exit(main())
