"""Pictures of networks, drawn from what goes through them; functions return matplotlib Figures."""

from collections import defaultdict
from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import nn

from mpe_lib.nets import MPENet, evaluating
from mpe_lib.show import ACCENT, INK, MUTED

Point = tuple[float, float]  #: x and y
BACK = "#c2571a"  #: what comes back: down-projections, the state
ALIGN, DETECT = "#6b7780", "#3f8f5f"  #: the paper's grey and green; its blue is ACCENT
TINTS = {ACCENT: "#e3f0f6", ALIGN: "#eceff1", DETECT: "#e4f1e9"}  #: the ground of a box, by its edge


def unrolled(low: Sequence[tuple[int, ...]], high: Sequence[tuple[int, ...]]) -> Figure:
    """The groups of a feedback block side by side, with the shapes that went through: what is merged into what.

    Args:
        low: shape (C, H, W) of the input and of what each group brought down.
        high: of what each group lifted.
    """
    figure = Figure(figsize=(2.1 * len(low), 3.6), layout="constrained")
    axes = figure.subplots()
    at = {("low", i): (i - 0.5, 0.0) for i in range(len(low))} | {
        ("high", i): (float(i), 1.0) for i in range(len(high))
    }
    links = [(("low", j), ("high", i)) for i in range(len(high)) for j in range(i + 1)]
    links += [(("high", j), ("low", i + 1)) for i in range(len(high)) for j in range(i + 1)]
    for source, target in links:
        rise = 0.13 if target[0] == "high" else -0.13  # from the edge of a box to that of another
        start, end = (at[source][0], at[source][1] + rise), (at[target][0], at[target][1] - rise)
        _arrow(axes, [start, end], ACCENT if rise > 0 else BACK, alpha=0.7, head=1)
    for (name, i), at_box in at.items():
        shape, letter = (low[i], f"$L_{i}$") if name == "low" else (high[i], f"$H_{i + 1}$")
        _box(axes, at_box, f"{letter}\n{_size(shape)}", size=11)
    for colour, text in ((ACCENT, "merged and lifted"), (BACK, "merged and brought down")):
        axes.plot([], [], color=colour, label=text)
    figure.legend(loc="outside upper center", ncols=2, fontsize=12, frameon=False)
    axes.set(xlim=(-1.0, len(low) - 1.0), ylim=(-0.25, 1.25))
    axes.set_axis_off()
    return figure


def mpenet(net: MPENet) -> Figure:
    """The network unfolded (Fig. 1), a row for each step, with the shapes of one face's way through it."""
    steps = net.config.iterations
    shapes = trace(net)
    figure = Figure(figsize=(14, 1.0 + 2.1 * steps), layout="constrained")
    axes = figure.subplots()
    down = 2.6  # from one step to the next
    face, shallow = (0.0, 0.0), (2.2, 0.0)
    _arrow(axes, [face, shallow])
    _box(axes, face, f"$I_{{LR}}$\n{_size((3, 16, 16))}", INK)
    for step in range(steps):
        y = -down * step
        fuse, body, up, plus, sr = ((x, y) for x in (4.9, 7.6, 10.2, 11.9, 13.6))
        _arrow(axes, [(shallow[0], 0), (shallow[0], y), fuse])
        for one, other in ((fuse, body), (body, up), (up, plus), (plus, sr)):
            _arrow(axes, [one, other])
        _arrow(axes, [face, (0, 1.0), (plus[0], 1.0), plus] if step == 0 else [(plus[0], y + down), plus], MUTED)
        if step:
            _arrow(axes, [(body[0], y + down), (body[0], y + 0.95), (fuse[0], y + 0.95), fuse], BACK)
            axes.text(body[0] + 0.1, y + 0.95, "state", color=BACK, fontsize=10, va="center")
        fusion = net.perb.fusions[min(step, len(net.perb.fusions) - 1)]
        width = next(fusion.parameters()).shape[1]  # of its 1x1 conv
        _box(axes, fuse, f"fusion {step + 1}\n{width} channels in", ACCENT)
        _box(axes, body, f"feedback block\n{_size(shapes['perb'][step])}", ACCENT)
        _box(axes, up, f"RECB\n{_size(shapes['reconstruct'][step])}", ACCENT)
        _box(axes, plus, "+", INK)
        _box(axes, sr, f"$I_{{SR}}^{step + 1}$\n{_size(shapes['reconstruct'][step])}", INK)
    _box(axes, shallow, f"SFE\n{_size(shapes['extract'][0])}", ACCENT)
    axes.text(5, 1.06, "bilinear, 8 times", color=ALIGN, fontsize=10, va="bottom")
    if net.align is not None:
        _branch(axes, (13.6, 0.0), (16.4, -down / 2), f"alignment\n{_size(shapes['align'][0])}", ALIGN)
        _arrow(axes, [(16.4, -down / 2), (4.6, -down / 2), (4.6, -down)], ALIGN)
        axes.text(9.2, -down / 2 + 0.06, "heatmaps", color=ALIGN, fontsize=10, va="bottom")
    if net.detect is not None:
        lane = -1.5 * down
        aus = f"{len(net.config.aus)} AUs"
        _branch(axes, (13.6, -down), (16.4, lane), f"ResNet-18\n{aus}", DETECT)
        _arrow(axes, [(16.4, lane), (4.6, lane), (4.6, -2 * down)], DETECT)
        axes.text(9.2, lane + 0.06, "probabilities", color=DETECT, fontsize=10, va="bottom")
        if net.config.use_attention:
            maps = (6.2, lane)
            _arrow(axes, [(6.2, -down / 2), maps], ALIGN, head=0.3)
            _box(axes, maps, f"x attention\n{_size((len(net.config.aus), 32, 32))}", DETECT)
    axes.set(xlim=(-1.1, 17.9), ylim=(-down * (steps - 1) - 0.7, 1.5))
    axes.set_axis_off()
    return figure


def trace(net: MPENet) -> dict[str, list[tuple[int, ...]]]:
    """The shape (C, H, W) or (A,) of what each part gives, at every call, as one face goes through the network.

    Parts are named as in the network; `align` gives a shape for each of its stacks.
    """
    shapes: dict[str, list[tuple[int, ...]]] = defaultdict(list)

    def note(name: str, _part: nn.Module, _given: Any, made: Any) -> None:
        shapes[name] += [tuple(each.shape[1:]) for each in (made if isinstance(made, tuple) else (made,))]

    hooks = [part.register_forward_hook(partial(note, name)) for name, part in net.named_children()]
    try:
        with evaluating(net):
            net(torch.zeros(1, 3, 16, 16, device=net.mean.device))
    finally:
        for hook in hooks:
            hook.remove()
    return dict(shapes)


def _branch(axes: Axes, picture: Point, at: Point, text: str, colour: str) -> None:
    """A network that looks at a step's picture."""
    _arrow(axes, [picture, (at[0], picture[1]), at], colour)
    _box(axes, at, text, colour)


def _box(axes: Axes, at: Point, text: str, colour: str = MUTED, size: int = 10) -> None:
    fill = TINTS.get(colour, "white")
    look = {"boxstyle": "round,pad=0.4", "facecolor": fill, "edgecolor": colour, "linewidth": 1.4}
    axes.text(*at, text, ha="center", va="center", fontsize=size, color=INK, bbox=look, zorder=3)


def _arrow(axes: Axes, corners: Sequence[Point], colour: str = ACCENT, alpha: float = 1, head: float = 0.5) -> None:
    """Along the corners; `head` is where on the last part its head is, by default where no box lies over it."""
    axes.plot(*zip(*corners, strict=True), color=colour, alpha=alpha, linewidth=1.2, zorder=1)
    (x, y), (x_end, y_end) = corners[-2:]
    tip = (x + head * (x_end - x), y + head * (y_end - y))
    look = {"arrowstyle": "-|>", "color": colour, "alpha": alpha, "linewidth": 0, "shrinkB": 0, "mutation_scale": 12}
    axes.annotate("", tip, (x, y), arrowprops=look, zorder=2)


def _size(shape: Sequence[int]) -> str:
    channels, height, width = shape
    return f"{channels} x {height} x {width}"
