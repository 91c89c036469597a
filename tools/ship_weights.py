"""Put the best network of a run among the shipped weights, in half precision: python tools/ship_weights.py RUN NAME.

The curves of its training go into figures/weights.
"""

import json
import sys
from pathlib import Path

from safetensors.torch import load_file

from mpe_lib.checkpoint import Run
from mpe_lib.curves import learning_curves
from mpe_lib.weights import SHIPPED, find, save

run, name = sys.argv[1:]
target = SHIPPED / f"{name}.safetensors"
save(target, load_file(find(run)), Run(Path(run)).config(), half=True)
lines = [json.loads(line) for line in (Path(run) / "metrics.jsonl").read_text().splitlines()]
drawn = Path(__file__).parents[1] / "figures" / "weights" / f"{name}.png"
drawn.parent.mkdir(exist_ok=True)
learning_curves(lines).savefig(drawn, dpi=80)
print(f"{target.name}: {target.stat().st_size / 1e6:.1f} MB; now measure it and write {name}.md, with {drawn.name}")
