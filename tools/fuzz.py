"""Feed a reader what nobody means to feed it: python tools/fuzz.py TARGET [--seconds 600] [--corpus FOLDER]

Inputs begin with small valid files and change where that reaches new code. Nothing but a UserError of one line may come
of one, within 5 seconds and 1 GB; what breaks that is left in the folder of the inputs, by default out/fuzz/TARGET.
Once mended it belongs in tests/corpus/TARGET, which tests/test_hostile.py reads again.

Needs atheris, on Linux: pip install atheris. It is in no extra, for it has a wheel for few versions of Python.
"""

import argparse
import os
import resource
import shutil
import sys
import tempfile
import time
import warnings
from pathlib import Path
from random import Random

from fuzz_readers import TARGETS, Read

ROOT = Path(__file__).parents[1]
SECONDS, MEGABYTES = 5, 1024  # what an input may take
INSTRUMENTED = ["mpe_lib", "PIL", "yaml"]


class Watched:
    """A reader that may take some seconds and some memory, told where it takes more."""

    def __init__(self, read: Read) -> None:
        self._read, self.count, self.megabytes, self.slowest = read, 0, 0, 0.0

    def __call__(self, data: bytes) -> None:
        self.count += 1
        start = time.process_time()
        with warnings.catch_warnings():
            warnings.simplefilter("error", RuntimeWarning)  # which a user would see
            self._read(data)
        took = time.process_time() - start
        self.slowest = max(self.slowest, took)
        self.megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        assert took < SECONDS, f"{took:.1f} seconds"
        assert self.megabytes < MEGABYTES, f"{self.megabytes} MB"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("target", choices=TARGETS)
    parser.add_argument("--seconds", type=float, default=600, help="of the processor's time")
    parser.add_argument("--corpus", type=Path, help="where inputs are kept")
    arguments = parser.parse_args()
    corpus: Path = arguments.corpus or ROOT / "out" / "fuzz" / arguments.target
    corpus.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        fuzz(arguments.target, Path(folder).resolve(), corpus, arguments.seconds)


def fuzz(name: str, folder: Path, corpus: Path, seconds: float) -> None:
    """Until the time is over, or something is found."""
    import atheris

    target = TARGETS[name]
    atheris.enabled_hooks.add("str")  # else it does not see how texts are compared
    with atheris.instrument_imports(include=INSTRUMENTED):
        read = Watched(target.prepare(folder))
        for number, seed in enumerate(target.seeds()):
            (corpus / f"seed{number}").write_bytes(seed)
            read(seed)

    def one(data: bytes) -> None:
        read(data)
        spent = time.process_time()
        if spent > seconds:
            from mpe_lib.machine import describe

            most = f"at most {read.megabytes} MB, slowest {read.slowest:.2f} s"
            print(f"{describe()}\n{name}: {read.count:,} inputs in {spent:.0f} s, {most}, nothing found", flush=True)
            shutil.rmtree(folder)
            os._exit(0)

    def mutator(data: bytes, size: int, seed: int) -> bytes:
        return target.mutate(data, size, Random(seed), atheris.Mutate)

    # its clock is the wall's, and other programs may hold the machine up: what takes long is told by Watched
    options = [
        f"-timeout={10 * SECONDS}",
        f"-rss_limit_mb={MEGABYTES}",
        "-max_len=1000000",
        f"-artifact_prefix={corpus}/",
    ]
    atheris.Setup([sys.argv[0], *options, str(corpus)], one, custom_mutator=mutator)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
