"""What a notebook needs and nothing else does."""

import os
import socket
from typing import Any, Literal, get_args

from mpe_lib.config import near
from mpe_lib.errors import UserError

Profile = Literal["smoke", "lesson", "full"]  #: how much a notebook computes


def profile() -> Profile:
    """How much a notebook computes: MPE_PROFILE, or "lesson".

    "smoke" runs every cell in seconds, to test it; "lesson" takes minutes on a laptop; "full" is the real
    thing, on a GPU.

    Raises:
        UserError: MPE_PROFILE is set to something else.
    """
    name = os.environ.get("MPE_PROFILE", "lesson")
    for known in get_args(Profile):
        if name == known:
            return known
    raise UserError(f"MPE_PROFILE={name} is no profile", near(name, get_args(Profile)))


def start() -> None:
    """Show every Figure as a JPEG, a quarter of a PNG's size for faces, with its words beside it as alternative text.

    Random numbers begin at the same place.
    """
    import matplotlib as mpl
    import torch
    from IPython.core.getipython import get_ipython
    from IPython.core.pylabtools import print_figure, select_figure_formats
    from matplotlib.figure import Figure

    from mpe_lib.memory import keep_freed_memory
    from mpe_lib.show import describe

    keep_freed_memory()
    torch.manual_seed(0)
    look: dict[str, Any] = {"dpi": 96, "pil_kwargs": {"quality": 70, "optimize": True, "progressive": True}}
    shell: Any = get_ipython()
    if shell is not None:
        shell.run_line_magic("matplotlib", "inline")  # first, for it chooses a format too
        select_figure_formats(shell, {"jpeg"}, **look)

        def drawn(figure: Figure) -> Any:
            return print_figure(figure, "jpeg", base64=True, **look), {"alt": describe(figure)}

        shell.display_formatter.formatters["image/jpeg"].for_type(Figure, drawn)
    mpl.rcParams.update({"axes.spines.top": False, "axes.spines.right": False, "legend.frameon": False})


def free_port() -> str:
    """A port that nobody listens on, as `notebook_launcher` wants it: its own choice may be taken."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])
