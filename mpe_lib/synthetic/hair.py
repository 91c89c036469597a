"""Brows, beards and the hair of the head, on a face at rest."""

import cv2
import numpy as np
from numpy.random import Generator

from mpe_lib.synthetic.identity import Identity
from mpe_lib.synthetic.shape import BROW
from mpe_lib.synthetic.sheet import Map, Points, Sheet, Surface, ease, mirror, smooth, tint
from mpe_lib.synthetic.skin import dome

VOLUME = {"short": 0.10, "side": 0.17, "long": 0.15, "bob": 0.17, "bun": 0.05, "curly": 0.30, "buzz": 0.015}


def add_brows(sheet: Sheet, i: Identity, random: Generator, surface: Surface) -> None:
    """Hairs along the two brows, one by one, over a soft ground."""
    thickness = 0.052 * (1 + 0.45 * i.brow_weight)
    curve = smooth(BROW + np.array([0, 0.035]), 60)  # the landmarks lie on the upper half of the brow
    body, tail = curve[3:42], curve[36:57]
    ground = sheet.stroke([body, mirror(body)], 0.75 * thickness) + sheet.stroke([tail, mirror(tail)], 0.65 * thickness)
    hairs = [line * (side, 1) for side in (1, -1) for line in _brow_hairs(curve, thickness, i.brow_weight, random)]
    cover = 0.75 * sheet.blur(sheet.pen(hairs, 0.011, 0.9), 0.010)
    cover = np.clip(cover + (0.38 + 0.15 * i.brow_weight) * np.minimum(ground, 1), 0, 0.95)
    colour = np.minimum(0.5 * np.array(i.hair_colour), 0.4 * i.skin) + 0.006  # they grey later than the hair
    tint(surface.albedo, colour, cover)
    surface.z += 0.012 * cover
    _dull(surface, cover)


def _brow_hairs(curve: Points, thickness: float, weight: float, random: Generator) -> list[Points]:
    """Short lines that stand up at the inner end and lie down at the outer one."""
    count = int(150 + 60 * weight)
    t = random.uniform(0, 1, count)
    offset = random.uniform(-1, 1, count) * thickness * np.interp(t, [0, 0.15, 0.6, 1], [0.85, 1.0, 0.9, 0.45])
    lean = np.interp(t, [0, 0.3, 1], [0.35, 1.0, 1.3]) + random.normal(0, 0.15, count)
    length = random.uniform(0.06, 0.10, count)
    root = curve[(t * (len(curve) - 1)).astype(int)] + np.stack([np.zeros(count), offset], 1)
    rise = np.cos(lean) * np.where(offset > 0, 1, 0.2) * length
    tip = root + np.stack([np.sin(lean) * length, 0.02 * t - rise], 1)
    return list(np.stack([root, tip], 1))


def add_beard(sheet: Sheet, i: Identity, random: Generator, surface: Surface) -> None:
    """Beard, stubble, or the shadow of a shaven beard."""
    jaws = 1.1 * sheet.blob(0, 1.55, 0.66, 0.33) + 0.9 * sheet.pair(0.94, 1.12, 0.17, 0.4)
    jaws = np.clip(jaws + 0.9 * sheet.blob(0, 0.93, 0.40, 0.08), 0, 1)
    zone = jaws * np.clip((sheet.Y - 0.79) * 8, 0, 1) * (1 - 0.9 * sheet.pair(0.62, 0.79, 0.27, 0.25))
    if i.beard == "none":
        if i.masculine > 0.5 and i.tone < 6:
            tint(surface.albedo, (0.16, 0.15, 0.15), (0.16 + 0.10 * i.brow_weight) * zone)
        return
    if i.beard == "moustache":
        zone *= np.minimum(1.3 * sheet.blob(0, 0.93, 0.42, 0.10), 1)
    elif i.beard == "goatee":
        mouth = 1.2 * sheet.blob(0, 1.55, 0.30, 0.26) + sheet.blob(0, 0.92, 0.30, 0.09)
        zone *= np.clip(mouth + sheet.pair(0.43, 1.15, 0.07, 0.25), 0, 1)
    zone = np.clip(1.6 * zone - 0.25, 0, 1)
    ragged = 0.7 * sheet.noise(random, 0.012, 0.03) + 0.5 * sheet.noise(random, 0.03) + 3.5 * (zone - 0.45)
    cover = zone * (0.5 + 0.5 * np.tanh(1.5 * ragged)) * np.float32(0.42 if i.beard == "stubble" else 0.9)
    tint(surface.albedo, (0.5 if i.beard == "stubble" else 0.8) * np.array(i.hair_colour) + 0.01, cover)
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
    fuzz = 0.014 * sheet.noise(random, 0.05) + 0.02 * sheet.noise(random, 0.12)
    fuzz += (0.05 if wild else 0.02) * sheet.noise(random, 0.02 if not wild else 0.07, 0.2 if not wild else None)
    edge = _hairline(sheet, i)[None, :].astype(np.float32) - sheet.Y
    front = ease((edge + fuzz) / (0.30 if i.hair in ("buzz", "short") else 0.20) + 0.5)
    uneven = 1 + 0.05 * sheet.noise(random, 0.3) + (0.12 * sheet.noise(random, 0.15) if wild else 0)
    shell = r / (1 + np.float32(VOLUME[i.hair]) * uneven)
    cover = front * np.clip((1 - shell) * 0.9 * sheet.unit, 0, 1)
    height = dome(shell, VOLUME[i.hair]) - 0.02
    rise = ease(2 * sheet.blur(front, 0.10) - 1)  # from the skin, without a step
    height = surface.z + (np.maximum(height - surface.z, 0) + 0.02) * rise
    if hanging:
        falling, low = _curtains(sheet, i, random)
        height = np.where(falling > 0, np.maximum(height, low), height)
        cover = np.maximum(cover, falling)
    streaks, clumps = _strands(sheet, i, random, r), sheet.noise(random, 0.12, 0.4)
    height += 0.014 * streaks + 0.012 * clumps
    if wild:
        height += 0.05 * sheet.noise(random, 0.09) + 0.03 * sheet.noise(random, 0.045)
    if i.hair == "buzz":
        cover *= 0.55 + 0.2 * np.tanh(sheet.noise(random, 0.015) + 0.5)
        height = surface.z + 0.012

    shadow = np.clip(1.2 * sheet.blur(cover, 0.06), 0, 1) * (1 - cover)
    surface.albedo *= (1 - 0.30 * shadow)[..., None]
    colour = np.array(i.hair_colour, np.float32) * 0.8 * np.exp(0.45 * streaks + 0.18 * clumps)[..., None]
    surface.albedo += (colour - surface.albedo) * cover[..., None]
    surface.z += (np.maximum(height, surface.z) - surface.z) * cover
    surface.gloss += (0.5 * (0.45 + 0.35 * streaks).clip(0.03, 1.2) - surface.gloss) * cover
    surface.diffusion *= 1 - cover
    np.maximum(surface.alpha, cover, out=surface.alpha)


def _hairline(sheet: Sheet, i: Identity) -> Points:
    """The height at which hair begins, for each column of the sheet."""
    away = np.abs(sheet.x + 0.05 * i.hair_part)
    line = np.interp(away, [0, 0.35, 0.62, 0.87, 1.02, 1.11, 1.34], [-0.89, -0.88, -0.85, -0.70, -0.37, 0.02, 0.3])
    line -= 0.24 * i.hairline * np.interp(np.abs(sheet.x), [0, 0.5, 0.9, 1.1], [0.7, 1.3, 0.4, 0])
    if i.hair in ("long", "bob"):
        line += np.interp(np.abs(sheet.x), [0.6, 0.95, 1.05], [0, 0.1, 0.3])
    if i.hair in ("long", "bob", "side"):  # a fringe falls away from the parting
        fallen = -0.55 if i.hair_part > 0 else 0.55
        line += 0.22 * np.exp(-0.5 * ((sheet.x - 0.55 * i.hair_part - fallen) / 0.38) ** 2)
    elif i.hair == "curly":
        line = np.minimum(line + 0.10, 0.12)
    return line


def half_width(y: Map, i: Identity) -> Map:
    """How far hanging hair reaches to each side at a height, 0 above the head and below the ends."""
    end = 3.4 if i.hair == "long" else 1.42 + 0.15 * i.chin
    wide = np.interp(y, [-1.80, -1.62, -1.3, -0.8, -0.2, 0.5, 1.3, 2.4], [0, 0.55, 0.98, 1.25, 1.36, 1.40, 1.43, 1.5])
    ends = np.sqrt(np.clip((end - y) / 0.35, 0, 1))  # rounded
    return (wide * (0.80 + 0.20 * ends) * (ends > 0)).astype(np.float32)


def _curtains(sheet: Sheet, i: Identity, random: Generator) -> tuple[Map, Map]:
    """Hair that hangs beside the face: where, and its height."""
    waves = 0.035 * sheet.noise(random, 0.5, 0.35) + 0.02 * sheet.noise(random, 0.15, 0.9)
    ends = 0.05 * sheet.noise(random, 0.07, 3)
    inner = np.interp(sheet.y, [-0.9, -0.3, 0.4, 1.2, 2.4], [0.80, 1.00, 1.05, 1.02, 0.98])[:, None].astype(np.float32)
    away = np.abs(sheet.X + waves)
    falling = ease((away - inner) * 11 + 0.5) * ease((half_width(sheet.Y + ends, i) - away) * 25)
    falling *= ease((sheet.Y + 0.95) * 5)
    height = 0.30 + 0.30 * np.cos((away - 1.2) * 4.5) + 0.05 * sheet.noise(random, 0.18, 1.2)
    return falling, np.maximum(height - 0.12 * np.maximum(sheet.Y - 0.5, 0), 0.2)


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
