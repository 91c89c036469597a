"""The playground's controls: whose face, how it becomes small, and what the later steps are told."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from math import cos, radians, sin
from typing import Any

import ipywidgets

from mpe_lib.au import CATALOGUE
from mpe_lib.errors import UserError
from mpe_lib.faces.astronaut import astronaut
from mpe_lib.faces.crops import CentreCrops, central
from mpe_lib.faces.degrade import Degradation, degrade
from mpe_lib.faces.facset import read_faces
from mpe_lib.faces.london import find_london
from mpe_lib.faces.picture import decode_picture
from mpe_lib.photograph import find_faces
from mpe_lib.pixels import Picture, to_picture
from mpe_lib.playground.views import Face
from mpe_lib.steer import Moves
from mpe_lib.synthetic import ACTIONS, Pose, draw_identity, draw_light, synthesize

#: Where a face may come from.
ASTRONAUT, PERSON, UPLOAD, LONDON = "the astronaut", "a synthetic person", "your photograph", "the London Set"
#: Points that can be moved together.
PARTS: dict[str, range] = {
    "the mouth": range(48, 68),
    "the right corner of the mouth": range(48, 49),
    "the left corner of the mouth": range(54, 55),
    "the lower lip": range(55, 60),
    "the right eye": range(36, 42),
    "the left eye": range(42, 48),
    "both brows": range(17, 27),
    "the nose": range(27, 36),
    "the jaw": range(17),
    "the whole face": range(68),
}


def slider(name: str, value: float, low: float, high: float, step: float) -> ipywidgets.FloatSlider:
    """One with its name to the left and its number to the right."""
    return ipywidgets.FloatSlider(
        value,
        min=low,
        max=high,
        step=step,
        description=name,
        readout_format=".2f" if step < 0.1 else ".1f" if step < 1 else "d",
        style={"description_width": "175px"},
        layout={"width": "365px"},
    )


def choice(name: str, options: list[Any]) -> ipywidgets.Dropdown:
    """A list of which one is chosen, the first at the beginning."""
    style, layout = {"description_width": "70px"}, {"width": "300px"}
    return ipywidgets.Dropdown(options=options, description=name, style=style, layout=layout)


class FacePanel:
    """Whose face is looked at."""

    def __init__(self, changed: Callable[[], None], person: int | None = None) -> None:
        self.source = choice("face", [ASTRONAUT, PERSON, UPLOAD, LONDON])
        self.person = slider("person", 12 if person is None else person, 0, 999, 1)
        self.scenery = slider("scenery", 1, 1, 20, 1)
        self.yaw, self.pitch = slider("turned to the side", 0, -45, 45, 5), slider("up or down", 0, -20, 20, 5)
        self.aside, self.above = (
            slider("light from the side", 0, -80, 80, 5),
            slider("light from above", 30, -20, 70, 5),
        )
        self.muscles = {number: slider(CATALOGUE[number].title, 0, 0, 1, 0.05) for number in sorted(ACTIONS)}
        self.upload = ipywidgets.FileUpload(accept="image/*", multiple=False, description="a photograph")
        self.number = slider("picture", 0, 0, 203, 1)
        stays = ipywidgets.HTML("It stays in memory: nothing is written, nothing is sent on. The largest face counts.")
        posed = [self.person, self.yaw, self.pitch, self.aside, self.above, self.scenery]
        self._groups = {
            PERSON: ipywidgets.VBox([*posed, *self.muscles.values()]),
            UPLOAD: ipywidgets.VBox([self.upload, stays]),
            LONDON: self.number,
        }
        self._cut: dict[tuple[Any, ...], Picture] = {}
        self.box = ipywidgets.VBox()  # the controls of the source that is chosen

        def chosen(_: Any) -> None:
            group = self._groups.get(str(self.source.value))
            self.box.children = [group] if group else []
            changed()

        if person is not None:
            self.source.value, self.box.children = PERSON, [self._groups[PERSON]]
        self.source.observe(chosen, "value")
        for control in (*posed, *self.muscles.values(), self.upload, self.number):
            control.observe(lambda _: changed(), "value")

    def original(self, scale: float) -> tuple[str, Picture]:
        """What it is called, and 128 x 128 pixels.

        Args:
            scale: how much of the head is seen, see `faces.align.align`.

        Raises:
            UserError: no photograph yet, no picture, no face in it, or no London Set.
        """
        match self.source.value:
            case name if name == PERSON:
                return self._person(scale)
            case name if name == UPLOAD:
                return self._photograph(scale)
            case name if name == LONDON:
                return self._london()
            case _:
                return ASTRONAUT, self._kept((ASTRONAUT, scale), lambda: _largest(astronaut(), ASTRONAUT, scale))

    def _person(self, scale: float) -> tuple[str, Picture]:
        number, scenery = int(self.person.value), int(self.scenery.value)
        aus = {unit: muscle.value for unit, muscle in self.muscles.items() if muscle.value > 0}
        around, up = radians(self.aside.value), radians(self.above.value)
        direction = (sin(around) * cos(up), -sin(up), cos(around) * cos(up))
        light = replace(draw_light(0), direction=direction)
        pose = Pose(self.yaw.value, self.pitch.value)

        def make() -> Picture:
            made = synthesize(scenery, aus, draw_identity(number), pose, light, scale=scale, steady=True)
            return central(made.image)

        key = (PERSON, scale, number, scenery, pose, direction, *aus.items())
        return f"synthetic person {number}", self._kept(key, make)

    def _photograph(self, scale: float) -> tuple[str, Picture]:
        if not self.upload.value:
            raise UserError("no photograph yet", "press the button and choose one")
        name, data = uploaded(self.upload.value)
        return name, self._kept(
            (UPLOAD, scale, name, hash(data)), lambda: _largest(decode_picture(data, name), name, scale)
        )

    def _london(self) -> tuple[str, Picture]:
        faces = read_faces(find_london(), "test", ())
        number = min(int(self.number.value), len(faces) - 1)
        return f"{LONDON}, {faces.paths[number].stem}", to_picture(CentreCrops(faces)[number].hr)

    def _kept(self, key: tuple[Any, ...], make: Callable[[], Picture]) -> Picture:
        """To search for a face, or to draw one, takes as long as all else; one is kept."""
        if key not in self._cut:
            self._cut = {key: make()}
        return self._cut[key]


class SmallPanel:
    """How the face becomes small."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self.antialias = ipywidgets.Checkbox(value=True, description="antialiased", indent=False)
        self.blur = slider("blur before, pixels", 0, 0, 8, 0.5)
        self.noise = slider("noise, levels", 0, 0, 40, 1)
        self.jpeg = slider("JPEG loss", 0, 0, 95, 5)
        controls = [self.antialias, self.blur, self.noise, self.jpeg]
        self.box = ipywidgets.VBox(controls)
        for control in controls:
            control.observe(lambda _: changed(), "value")

    def small(self, name: str, original: Picture) -> Face:
        """The face with its 16 x 16."""
        loss = int(self.jpeg.value)
        how = Degradation(self.antialias.value, self.blur.value, self.noise.value, 100 - loss if loss else None)
        words = str(how)
        return Face(f"{name} ({words})" if words else name, original, degrade(original, how))


class SteerPanel:
    """What the later steps are told. A unit is told once its slider has been moved; before, it shows the belief."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self.part = choice("landmarks", [*PARTS, *(f"point {number}" for number in range(68))])
        self.right, self.down = slider("to the right, pixels", 0, -24, 24, 1), slider("down, pixels", 0, -24, 24, 1)
        self.forget = ipywidgets.Button(description="tell nothing again")
        self.units: dict[int, ipywidgets.FloatSlider] = {}
        self.told: dict[int, float] = {}
        self.box = ipywidgets.VBox()
        self._changed, self._setting = changed, False
        for control in (self.part, self.right, self.down):
            control.observe(lambda _: None if self._setting else changed(), "value")
        self.forget.on_click(lambda _: self._forget())
        self.show_beliefs({})

    def show_beliefs(self, beliefs: Mapping[int, float]) -> None:
        """Make a slider for each unit of a network, and put those that are not told where its beliefs are."""
        if self.units.keys() != beliefs.keys() or not self.box.children:
            self.told = {number: value for number, value in self.told.items() if number in beliefs}
            self.units = {
                number: slider(CATALOGUE[number].title, self.told.get(number, 0), 0, 1, 0.01) for number in beliefs
            }
            for number, control in self.units.items():
                control.observe(lambda change, number=number: self._tell(number, change["new"]), "value")
            moves = [self.part, self.right, self.down]
            told = [heading("Step 3 is told"), *self.units.values()] if self.units else []
            self.box.children = [*told, heading("Step 2 is told that elsewhere lie"), *moves, self.forget]
        self._setting = True
        for number, belief in beliefs.items():
            if number not in self.told:
                self.units[number].value = round(belief, 2)  # as the page would, which would tell us of the change
        self._setting = False

    def moves(self) -> Moves:
        """Landmarks, and by how many pixels to the right and down each lies elsewhere."""
        way = (self.right.value, self.down.value)
        chosen = str(self.part.value)
        points = PARTS[chosen] if chosen in PARTS else [int(chosen.removeprefix("point "))]
        return dict.fromkeys(points, way) if any(way) else {}

    def _tell(self, number: int, value: float) -> None:
        if not self._setting:
            self.told[number] = value
            self._changed()

    def _forget(self) -> None:
        self.told = {}
        self._setting = True
        self.right.value = self.down.value = 0
        self._setting = False
        self._changed()


def uploaded(value: Any) -> tuple[str, bytes]:
    """Name and content: of the one file of ipywidgets 8, or of 7, which Colab has."""
    if isinstance(value, dict):
        ((name, file),) = value.items()
    else:
        (file,) = value
        name = file["name"]
    return str(name), bytes(file["content"])


def heading(text: str) -> ipywidgets.HTML:
    """Above a group of controls."""
    return ipywidgets.HTML(f"<b>{text}</b>")


def _largest(picture: Picture, name: str, scale: float) -> Picture:
    """The largest face of a picture, 128 x 128."""
    found, _ = find_faces(picture, name, scale)
    return found[0].picture
