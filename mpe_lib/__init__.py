"""MPENet and MPEGAN: faces from 16 x 16 to 128 x 128, with landmarks and action units on the way.

In three lines::

    net = mpe_lib.load("small")             # shipped weights, ready to run
    net = mpe_lib.build_model("base")       # a new network from a preset or a config
    faces = mpe_lib.restore("photo.jpg")    # every face of a photograph, restored

Nothing heavy is imported before it is used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mpe_lib.config import Config, NetConfig, preset
    from mpe_lib.errors import UserError
    from mpe_lib.nets import MPENet, MPEOutput, build_model
    from mpe_lib.photograph import Restored, restore
    from mpe_lib.weights import load

_HOMES = {
    "Config": "config",
    "NetConfig": "config",
    "preset": "config",
    "UserError": "errors",
    "MPENet": "nets",
    "MPEOutput": "nets",
    "build_model": "nets",
    "Restored": "photograph",
    "restore": "photograph",
    "load": "weights",
}

__all__ = [
    "Config",
    "MPENet",
    "MPEOutput",
    "NetConfig",
    "Restored",
    "UserError",
    "build_model",
    "load",
    "preset",
    "restore",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'mpe_lib' has no attribute '{name}'")
    return getattr(import_module(f"mpe_lib.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
