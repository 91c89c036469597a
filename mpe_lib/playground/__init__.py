"""Everything at once, to play with: a face, what a network makes of it, and what it does when told something else.

For example::

    from mpe_lib.playground import Playground
    Playground()  # in a notebook; `make app` serves it as a page

`views` computes what is to be seen, `page` writes it as HTML or as a sheet, `controls` are what can be moved, and
this module connects them.
"""

from collections.abc import Generator
from contextlib import contextmanager
from html import escape
from threading import Timer

import ipywidgets
from IPython.display import Javascript, display

from mpe_lib.errors import UserError
from mpe_lib.nets import System
from mpe_lib.playground.controls import FacePanel, SmallPanel, SteerPanel, choice, heading, slider
from mpe_lib.playground.page import CANNOT, NAMES, STYLE, download, html, sheet
from mpe_lib.playground.views import (
    BICUBIC,
    Face,
    View,
    beliefs,
    compared,
    explained,
    following,
    last_picture,
    restored,
    steered,
    unsteered,
)
from mpe_lib.sources import misfit
from mpe_lib.weights import load, shipped

RESTORE, STEER, EXPLAIN, COMPARE = "restore", "steer", "explain", "compare"  #: the views
PATIENCE = 0.5  #: seconds: of an answer that takes longer the page says that it is on its way


class Playground:
    """The page.

    Args:
        weights: what to begin with, shipped or a file or run of your own.
        person: the synthetic person to begin with; the astronaut, unless there is one.
    """

    def __init__(self, weights: str = "small", person: int | None = None) -> None:
        names = [name for name in shipped() if name != "judge"]
        if weights not in names:
            names.insert(0, weights)
        self._nets: dict[str, System] = {}
        self.view = ipywidgets.ToggleButtons(options=[RESTORE, STEER, EXPLAIN, COMPARE], style={"button_width": "80px"})
        self.network = choice("network", names)
        self.network.value = weights
        self.face = FacePanel(self.update, person)
        self.small = SmallPanel(self.update)
        self.steering = SteerPanel(self.update)
        self.other = choice("left", [BICUBIC, *names])
        self.wipe = slider("the line, percent", 50, 0, 100, 1)
        self.save = ipywidgets.Button(description="save as PNG")
        self.saved = ipywidgets.HTML()
        self.said, self.shown = ipywidgets.HTML(), ipywidgets.HTML()
        self.said.add_class("mpe-said")
        self.saved.add_class("mpe-saved")
        self._last: tuple[str, View] | None = None

        for control in (self.network, self.other, self.wipe):
            control.observe(lambda _: self.update(), "value")
        self.view.observe(lambda _: self._turned(), "value")
        self.save.on_click(lambda _: self._save())
        self._asked = ipywidgets.VBox()
        self.page = self._laid_out()
        self._turned()

    def update(self) -> None:
        """Compute and show anew; what is wrong with a choice is said on the page, and the old picture stays."""
        self.saved.value = ""
        try:
            with self._announced():
                face, view = self._see()
        except UserError as error:
            self.said.value = f'<span class="mpe-message">{escape(str(error))}</span>'
            return
        self.shown.value, self.said.value = html(view), escape(view.said)  # what is said is on the page by then
        self._last = (f"{self.view.value}: {face.name}, {self.network.value}", view)

    @contextmanager
    def _announced(self) -> Generator[None]:
        """Say meanwhile, from a thread of its own, that an answer is on its way."""
        timer = Timer(PATIENCE, lambda: self.said.set_trait("value", "One moment."))
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            timer.join()  # what it may be saying is said before the answer

    def _see(self) -> tuple[Face, View]:
        name = str(self.network.value)
        net = self._net(name)
        face = self.small.small(*self.face.original(net.config.face_scale))
        match self.view.value:
            case view if view == STEER:
                own = unsteered(net, face)
                moved = self.steering.moves()
                self.steering.show_beliefs(beliefs(net, following(net, face, own, moved)))
                return face, steered(net, face, own, self.steering.told, moved)
            case view if view == EXPLAIN:
                return face, explained(net, face)
            case view if view == COMPARE:
                left = str(self.other.value)
                other = None if left == BICUBIC else self._net(left)
                pictures = (left, last_picture(other, face)), (name, last_picture(net, face))
                view = compared(*pictures, face, self.wipe.value / 100)
                if other is not None:  # faces are cut for the other one
                    doubts = misfit(net.config.face_scale, left, other.config.face_scale)
                    view = view._replace(said=" ".join([view.said, *(f"But {doubt}." for doubt in doubts)]))
                return face, view
            case _:
                return face, restored(net, face)

    def _net(self, name: str) -> System:
        if name not in self._nets:
            self._nets[name] = load(name)
        return self._nets[name]

    def _turned(self) -> None:
        """Another view: the controls that belong to it."""
        own = {STEER: [self.steering.box], COMPARE: [self.other, self.wipe]}
        self._asked.children = own.get(str(self.view.value), [])
        self.update()

    def _save(self) -> None:
        if self._last is not None:
            title, view = self._last
            self.saved.value = download(sheet(view, title), "mpe-playground.png")

    def _laid_out(self) -> ipywidgets.VBox:
        chosen = [self.face.source, self.network]
        rest = [self._asked, self.face.box, heading("How the face becomes small"), self.small.box]
        side, main = ipywidgets.VBox(rest), ipywidgets.VBox([self.said, self.shown])
        side.add_class("mpe-side")
        main.add_class("mpe-main")
        above = ipywidgets.Box([*chosen, self.view, self.save, self.saved], layout={"flex_flow": "row wrap"})
        below = ipywidgets.Box([side, main], layout={"flex_flow": "row wrap", "align_items": "flex-start"})
        page = ipywidgets.VBox([ipywidgets.HTML(f"{STYLE}<h1>MPENet playground</h1><p>{CANNOT}</p>"), above, below])
        page.add_class("mpe-page")
        return page

    def _ipython_display_(self) -> None:
        display(self.page, Javascript(NAMES))
