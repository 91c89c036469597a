"""Brows, beards and the hair of the head, on a face at rest."""

import cv2
import numpy as np
from numpy.random import Generator

from mpe_lib.synthetic.identity import Identity
from mpe_lib.synthetic.shape import BROW
from mpe_lib.synthetic.sheet import Map, Points, Sheet, Surface, mirror, smooth, tint
from mpe_lib.synthetic.skin import dome

VOLUME = {"short": 0.10, "side": 0.17, "long": 0.15, "bob": 0.17, "bun": 0.05, "curly": 0.30, "buzz": 0.015}


def add_brows(sheet: Sheet, i: Identity, random: Generator, surface: Surface) -> None:
    """Hairs along the two brows, one by one, over a soft ground."""
    thickness = 0.047 * (1 + 0.35 * i.brow_weight)
    curve = smooth(BROW + np.array([0, 0.03]), 60)  # the landmarks lie on the upper half of the brow
    ground = sheet.stroke([curve, mirror(curve)], 0.75 * thickness)
    hairs = [line * (side, 1) for side in (1, -1) for line in _brow_hairs(curve, thickness, i.brow_weight, random)]
    cover = 0.75 * sheet.blur(sheet.pen(hairs, 0, 0.9), 0.006) + (0.50 + 0.15 * i.brow_weight) * ground
    cover = np.clip(cover, 0, 0.95)
    tint(surface.albedo, np.minimum(0.5 * np.array(i.hair_colour), 0.12) + 0.006, cover)  # they grey later
    surface.z += 0.012 * cover
    _dull(surface, cover)


def _brow_hairs(curve: Points, thickness: float, weight: float, random: Generator) -> list[Points]:
    """Short lines that stand up at the inner end and lie down at the outer one."""
    count = int(150 + 60 * weight)
    t = random.uniform(0, 1, count)
    offset = random.uniform(-1, 1, count) * thickness * np.interp(t, [0, 0.15, 0.6, 1], [0.85, 1.0, 0.9, 0.5])
    lean = np.interp(t, [0, 0.3, 1], [0.35, 1.0, 1.3]) + random.normal(0, 0.15, count)
    length = random.uniform(0.06, 0.10, count)
    root = curve[(t * (len(curve) - 1)).astype(int)] + np.stack([np.zeros(count), offset], 1)
    rise = np.cos(lean) * np.where(offset > 0, 1, 0.2) * length
    tip = root + np.stack([np.sin(lean) * length, 0.02 * t - rise], 1)
    return list(np.stack([root, tip], 1))


def add_beard(sheet: Sheet, i: Identity, random: Generator, surface: Surface) -> None:
    """Beard, stubble, or the shadow of a shaven beard."""
    jaws = 1.1 * sheet.blob(0, 1.5, 0.62, 0.33) + 0.9 * sheet.pair(0.86, 1.1, 0.16, 0.4)
    jaws = np.clip(jaws + 0.8 * sheet.blob(0, 0.86, 0.3, 0.075), 0, 1)
    zone = jaws * np.clip((sheet.Y - 0.74) * 8, 0, 1) * (1 - 0.9 * sheet.pair(0.6, 0.75, 0.25, 0.25))
    if i.beard == "none":
        if i.masculine > 0.5 and i.tone < 6:
            tint(surface.albedo, (0.16, 0.15, 0.15), 0.16 * zone)
        return
    if i.beard == "moustache":
        zone *= sheet.blob(0, 0.87, 0.34, 0.10)
    elif i.beard == "goatee":
        mouth = 1.2 * sheet.blob(0, 1.5, 0.30, 0.26) + sheet.blob(0, 0.87, 0.30, 0.09)
        zone *= np.clip(mouth + sheet.pair(0.43, 1.1, 0.07, 0.25), 0, 1)
    zone = np.clip(1.6 * zone - 0.25, 0, 1)
    ragged = 0.7 * sheet.noise(random, 0.012, 0.03) + 0.5 * sheet.noise(random, 0.03) + 3.5 * (zone - 0.45)
    cover = zone * (0.5 + 0.5 * np.tanh(1.5 * ragged)) * np.float32(0.42 if i.beard == "stubble" else 0.9)
    tint(surface.albedo, 0.8 * np.array(i.hair_colour) + 0.01, cover)
    if i.beard == "stubble":
        _dull(surface, 0.4 * cover)
    else:
        locks = 0.5 * sheet.noise(random, 0.014, 0.05) + 0.4 * sheet.noise(random, 0.03, 0.08)
        surface.z += zone * (0.035 + 0.012 * locks)
        _dull(surface, cover)


def add_hair(sheet: Sheet, i: Identity, random: Generator, surface: Surface, r: Map) -> None:
    """A shell over the skull, cut at the hairline; long hair falls over the sides. `r` is `skin.distance`."""
    if i.hair == "bald":
        return
    hanging, wild = i.hair in ("long", "bob"), i.hair == "curly"
    fuzz = (
        0.018 * sheet.noise(random, 0.05) + 0.02 * sheet.noise(random, 0.12) + 0.045 * sheet.noise(random, 0.016, 0.25)
    )
    if wild:
        fuzz += 0.06 * sheet.noise(random, 0.09)
    edge = _hairline(sheet, i)[None, :].astype(np.float32) - sheet.Y
    front = np.clip((edge + fuzz) / (0.11 if i.hair in ("buzz", "short") else 0.07) + 0.5, 0, 1)
    uneven = 1 + 0.05 * sheet.noise(random, 0.3) + (0.12 * sheet.noise(random, 0.15) if wild else 0)
    shell = r / (1 + np.float32(VOLUME[i.hair]) * uneven)
    cover = front * np.clip((1 - shell) * 0.9 * sheet.unit, 0, 1)
    height = dome(shell, VOLUME[i.hair]) - 0.02
    if hanging:
        falling, low = _curtains(sheet, i, random)
        height = np.where(falling > cover, low, height)
        cover = np.maximum(cover, falling)
    else:  # it rises from the skin, without a step
        rise = np.clip(2 * sheet.blur(front, 0.10) - 1, 0, 1)
        height = surface.z + (np.maximum(height - surface.z, 0) + 0.02) * rise
    streaks, clumps = _strands(sheet, i, random, r), sheet.noise(random, 0.12, 0.4)
    height += 0.014 * streaks + 0.012 * clumps
    if wild:
        height += 0.05 * sheet.noise(random, 0.09) + 0.03 * sheet.noise(random, 0.045)
    if i.hair == "buzz":
        cover *= 0.55 + 0.2 * np.tanh(sheet.noise(random, 0.015) + 0.5)
        height = surface.z + 0.012

    shadow = np.clip(1.2 * sheet.blur(cover, 0.06), 0, 1) * (1 - cover)
    surface.albedo *= (1 - 0.30 * shadow)[..., None]
    colour = np.array(i.hair_colour, np.float32) * 0.62 * np.exp(0.45 * streaks + 0.18 * clumps)[..., None]
    surface.albedo += (colour - surface.albedo) * cover[..., None]
    surface.z += (np.maximum(height, surface.z) - surface.z) * cover
    surface.gloss += (0.5 * (0.45 + 0.35 * streaks).clip(0.03, 1.2) - surface.gloss) * cover
    surface.diffusion *= 1 - cover
    np.maximum(surface.alpha, cover, out=surface.alpha)


def _hairline(sheet: Sheet, i: Identity) -> Points:
    """The height at which hair begins, for each column of the sheet."""
    away = np.abs(sheet.x + 0.05 * i.hair_part)
    line = np.interp(away, [0, 0.35, 0.62, 0.85, 0.98, 1.06, 1.3], [-0.98, -0.98, -0.90, -0.66, -0.30, 0.05, 0.3])
    line -= 0.13 * i.hairline * np.interp(np.abs(sheet.x), [0, 0.5, 0.9, 1.1], [0.7, 1.3, 0.4, 0])
    if i.hair in ("long", "bob"):
        line += np.interp(np.abs(sheet.x), [0.6, 0.95, 1.05], [0, 0.1, 0.3])
    if i.hair in ("long", "bob", "side"):  # a fringe falls away from the parting
        fallen = -0.55 if i.hair_part > 0 else 0.55
        line += 0.22 * np.exp(-0.5 * ((sheet.x - 0.55 * i.hair_part - fallen) / 0.38) ** 2)
    elif i.hair == "curly":
        line += 0.10
    return line


def _curtains(sheet: Sheet, i: Identity, random: Generator) -> tuple[Map, Map]:
    """Hair that hangs beside the face: where, and its height."""
    end = 2.6 if i.hair == "long" else 1.35 + 0.15 * i.chin
    inner = np.interp(sheet.y, [-0.9, -0.3, 0.4, 1.2, 2.4], [0.80, 0.98, 1.03, 0.98, 0.95])[:, None].astype(np.float32)
    outer = np.interp(sheet.y, [-0.9, -0.2, 0.6, 1.3, 2.4], [1.1, 1.36, 1.42, 1.45, 1.5])[:, None].astype(np.float32)
    away = np.abs(sheet.X + 0.03 * sheet.noise(random, 0.5, 0.3))
    falling = np.clip((away - inner) * 25, 0, 1) * np.clip((outer - away) * 20, 0, 1)
    falling *= np.clip((end - sheet.Y + 0.06 * sheet.noise(random, 0.06, 2)) * 14, 0, 1)
    falling *= np.clip((sheet.Y + 0.95) * 5, 0, 1)
    height = 0.35 + 0.25 * np.cos((away - 1.2) * 5) - 0.12 * np.maximum(sheet.Y - 0.5, 0)
    return falling, np.maximum(height, 0.2)


def _strands(sheet: Sheet, i: Identity, random: Generator, r: Map) -> Map:
    """Streaks along the hair: noise that varies fast across the strands and slowly along them."""
    x, y = sheet.X, sheet.Y
    along = r
    if i.hair == "curly":
        across, along = r + 0.4 * sheet.noise(random, 0.10), 0.8 + 0.3 * sheet.noise(random, 0.1)
    elif i.hair in ("long", "bob"):
        down = np.clip(1.4 * (y + 0.9), 0, 1)
        from_parting = 0.9 * np.arctan2(x - np.float32(0.4 * i.hair_part), 0.45 - y)
        across = from_parting * (1 - down) + 1.2 * x * down + 0.03 * sheet.noise(random, 0.35, 0.6)
        along = 0.8 + 0.35 * y
    elif i.hair == "side":
        across = 1.1 * np.arctan2(y - 0.9, x - np.float32(0.55 * i.hair_part)) + 0.05 * sheet.noise(random, 0.3)
    else:
        across, along = 1.3 * np.arctan2(x, 0.6 - y) + 0.05 * sheet.noise(random, 0.25), 1.3 * r
    width, height = 512, 64
    streaks = np.zeros((height, width), np.float32)
    for count, strength in ((40, 0.7), (130, 0.6), (400, 0.5)):
        coarse = random.standard_normal((max(3, count // 12), count), np.float32)
        streaks += strength * cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    u = ((across + 4) * (90 if i.hair == "buzz" else 60)) % (width - 1)
    v = np.clip(20 * along, 0, height - 1)
    return cv2.remap(streaks, u.astype(np.float32), v.astype(np.float32), cv2.INTER_LINEAR)


def _dull(surface: Surface, cover: Map) -> None:
    """Hair neither shines like skin nor lets light spread."""
    surface.gloss *= 1 - cover
    surface.diffusion *= 1 - 0.9 * cover
