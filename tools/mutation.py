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

# Why the code does the same after a change, and what is then written. These count as missed.
SAME = {
    "of two dimensions the last is number 1": (
        "eyes = (true[:, 36] - true[:, 45]).norm(dim=+1)",
        "return (predicted - true).norm(dim=-1).mean(dim=+1) / eyes",
    ),
    "of four dimensions the last but one is number 2": (
        "return y[..., border : y.shape[+2] - border, border : y.shape[-1] - border]",
    ),
    "torchmetrics knows both words": (
        "return peak_signal_noise_ratio(a, b, data_range=255.0, reduction=None, dim=(1, 2, 3))",
    ),
    "scikit-image takes 1.5 by itself": (
        "structural_similarity(*pair, gaussian_weights=True, use_sample_covariance=False, data_range=255)",
    ),
    "None is as false": (
        "structural_similarity(*pair, gaussian_weights=True, sigma=1.5, use_sample_covariance=None, data_range=255)",
    ),
    "there are equally many": (
        "return {name: (p, s) for name, p, s in zip(restored, *both, strict=None)}",
        "return {name: (p, s) for name, p, s in zip(restored, *both, strict=False)}",
        "return {name: (p, s) for name, p, s in zip(restored, *both, )}",
        "for pair in zip(a, b, strict=None)",
        "for pair in zip(a, b, strict=False)",
        "for pair in zip(a, b, )",
    ),
    "only the ratios count, and the sum is above 1 either way": ("inverse = torch.where(occurs, 2 / rates, 0)",),
    "where a label is unknown its loss is multiplied by 0": ("return ~unknown, labels.masked_fill(unknown, 1.0)",),
    "pictures and maps are square": (
        "size = output.heatmaps[-1].shape[-2]",
        "stride = target.hr.shape[-2] // size",
    ),
    "a picture's side is a multiple of its maps'": ("stride = target.hr.shape[-1] / size",),
    "the sum takes its place in the next line": ("terms = LossTerms(None, rec, align, au, per, adv)",),
}


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
    changed = [f"{sign} {text}" for sign, text in re.findall(r"^([-+])(?!--|\+\+) *(.*)$", told("show", name), re.M)]
    print(f"\n{module(name)}", *changed, sep="\n")
    for reason, written in SAME.items():
        if changed[-1].removeprefix("+ ") in written:
            print(f"  the same: {reason}")


def told(*arguments: str) -> str:
    """What mutmut prints."""
    return subprocess.run([*MUTMUT, *arguments], cwd=ROOT, stdout=subprocess.PIPE, check=True, text=True).stdout


if __name__ == "__main__":
    sys.exit(main())
