"""The share of mpe_lib's lines that tests ran, by package, and the lines that none did: make coverage.

Read out of .coverage, which `coverage run` and `coverage combine` leave. Below 92% is a failure.
"""

import sys
from collections import Counter
from pathlib import Path

from coverage import Coverage

ROOT = Path(__file__).resolve().parents[1]
LEAST = 0.92


def main() -> int:
    measured = Coverage(data_file=str(ROOT / ".coverage"), config_file=str(ROOT / "pyproject.toml"))
    measured.load()
    lines, missed = Counter[str](), Counter[str]()
    told: list[str] = []
    for file in sorted((ROOT / "mpe_lib").rglob("*.py")):
        _, statements, _, missing, numbers = measured.analysis2(str(file))
        package = ".".join(file.parent.relative_to(ROOT).parts)
        lines[package] += len(statements)
        missed[package] += len(missing)
        told += [f"{file.relative_to(ROOT)}: {numbers}"] if missing else []
    lines["together"], missed["together"] = lines.total(), missed.total()
    print(f"{'':24}{'lines':>8}{'run':>8}")
    for package, count in lines.items():
        print(f"{package:24}{count:8,}{1 - missed[package] / count:8.1%}")
    print("\nnot run", *told, sep="\n")
    return int(missed["together"] > (1 - LEAST) * lines["together"])


if __name__ == "__main__":
    sys.exit(main())
