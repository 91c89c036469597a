"""Draw the figures of the README, but for the restored photograph: python tools/figures.py FOLDER.

Sixty synthetic people, one of them with each action unit alone, and the network (the paper's Figure 1).
"""

import sys
from dataclasses import replace
from pathlib import Path

from mpe_lib import build_model, diagram, show
from mpe_lib.au import CATALOGUE
from mpe_lib.synthetic import ACTIONS, Film, Pose, draw_identity, draw_light, synthesize

folder = Path(sys.argv[1])
people = [synthesize(seed).image for seed in range(60)]
show.contact(people).savefig(folder / "synthetic_people.jpg", dpi=110, pil_kwargs={"quality": 85})

one = replace(draw_identity(5), glasses="none", hair="short", beard="none")
light, film = draw_light(0), Film()
names = {"at rest": None} | {f"AU{au}\n{CATALOGUE[au].name}": au for au in sorted(ACTIONS)}
alone = [
    synthesize(1, {} if au is None else {au: 1.0}, one, Pose(), light, film, size=200, scale=2.5, steady=True).image
    for au in names.values()
]
show.contact(alone, list(names), columns=7).savefig(folder / "action_units.jpg", dpi=140, pil_kwargs={"quality": 85})

diagram.mpenet(build_model("paper")).savefig(folder / "mpenet.png", dpi=100)
