"""Synthetic people: faces from nothing, whose landmarks and action units are known exactly."""

from mpe_lib.synthetic.camera import Pose, draw_pose
from mpe_lib.synthetic.film import Film, draw_film
from mpe_lib.synthetic.identity import Identity, draw_identity
from mpe_lib.synthetic.light import Light, draw_light
from mpe_lib.synthetic.muscles import ACTIONS
from mpe_lib.synthetic.render import Synthetic, draw_aus, synthesize

__all__ = [
    "ACTIONS",
    "Film",
    "Identity",
    "Light",
    "Pose",
    "Synthetic",
    "draw_aus",
    "draw_film",
    "draw_identity",
    "draw_light",
    "draw_pose",
    "synthesize",
]
