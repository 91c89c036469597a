"""Put the best network of a run among the shipped weights, in half precision: python tools/ship_weights.py RUN NAME."""

import sys

from safetensors.torch import load_file

from mpe_lib.checkpoint import Run
from mpe_lib.weights import SHIPPED, find, save

run, name = sys.argv[1:]
target = SHIPPED / f"{name}.safetensors"
save(target, load_file(find(run)), Run(run).config(), half=True)
print(f"{target.name}: {target.stat().st_size / 1e6:.1f} MB; now measure it and write {name}.md")
