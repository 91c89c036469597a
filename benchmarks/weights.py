"""Everything on the card of shipped weights: gains over bicubic, landmarks, AUs, and what the priors do."""

import argparse
import math
import re
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from people import area_under_curve, pairs, rows, tested
from skimage.color import rgb2lab
from torch import Tensor
from torch.utils.data import DataLoader

from mpe_lib import load
from mpe_lib.evaluate import au_probabilities, evaluate, figures_table, prior_effects
from mpe_lib.faces.crops import CentreCrops
from mpe_lib.faces.degrade import bicubic
from mpe_lib.faces.facset import Faces, read_faces
from mpe_lib.features import own_features
from mpe_lib.losses import perceptual_loss
from mpe_lib.machine import describe
from mpe_lib.memory import keep_freed_memory
from mpe_lib.metrics import landmark_error, psnr
from mpe_lib.nets import MPENet
from mpe_lib.pixels import Picture, to_picture, to_tensor
from mpe_lib.sources import face_folder

TONES = {
    "very light, over 55": (55.0, 180.0),
    "light, 41 to 55": (41.0, 55.0),
    "intermediate, 28 to 41": (28.0, 41.0),
    "tan, 10 to 28": (10.0, 28.0),
    "brown, -30 to 10": (-30.0, 10.0),
    "dark, below -30": (-180.0, -30.0),
}
UTKFACE = (("male", "female"), ("white", "black", "asian", "indian", "other"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--faces", nargs="+", required=True, help="london, or face folders with a test split")
    parser.add_argument("--weights", default="small")
    parser.add_argument("--smiles", help="london, or a folder of n*.jpg, neutral, and s*.jpg, smiling")
    parser.add_argument("--people", type=Path, help="the London Set's own table: face_id, face_gender, face_eth")
    arguments = parser.parse_args()
    keep_freed_memory()
    net = load(arguments.weights)
    smiles = pairs(face_folder(arguments.smiles), net.config.aus) if arguments.smiles else None
    print(describe())
    for source in arguments.faces:
        folder = face_folder(source, net.config.face_scale)
        faces = read_faces(folder, "test", net.config.aus)
        for border in (0, 8):
            figures = evaluate(net, faces, border)
            print(f"\n{folder.name} test: {figures_table(figures)}")
        print(f"landmark error of the mean face of them: {mean_face_error(faces):.4f}")
        print("own-feature distance (relu5_3 of the features that come with mpe_lib; L_per of Eq. 10):")
        for name, distance in feature_distances(net, faces).items():
            print(f"  {name:24}{distance:.4f}")
        print(
            "step 3 over bicubic (standard error) and number of faces; skin tone is the ITA of the cheeks in degrees:"
        )
        gain, angle = gains_and_tones(net, faces)
        groups = {name: (low < angle) & (angle <= high) for name, (low, high) in TONES.items()}
        groups |= groups_of(folder, arguments.people)
        for name, inside in groups.items():
            gains = gain[inside]
            if not len(gains):
                continue
            print(f"  {name:24}{gains.mean():+.2f} dB ({gains.std() / len(gains) ** 0.5:.2f})  {len(gains):4}")
        effects = prior_effects(net, faces)
        print(f"step 3 with its own priors {effects.pop('own'):.3f} dB; change with another prior:")
        for name, change in effects.items():
            print(f"  {name:24}{change:+.4f} dB")
    if smiles:
        faces, _, smile = smiles
        smiling, probability = torch.from_numpy(smile), au_probabilities(net, faces)
        print(f"\nsmiling against neutral, {int(smiling.sum())} and {int((~smiling).sum())} faces, AUC:")
        for i, au in enumerate(net.config.aus):
            print(f"  AU{au:<3} {area_under_curve(probability[:, i], smiling):.3f}")


@torch.inference_mode()
def gains_and_tones(net: MPENet, faces: Faces) -> tuple[Tensor, Tensor]:
    """Decibels of step 3 over bicubic, and the typology angle, of each face: (n,) and (n,)."""
    gains, angles = list[Tensor](), list[float]()
    for batch in DataLoader(CentreCrops(faces), batch_size=16):
        hr, sr = to_picture(batch.hr), to_picture(net(batch.lr).sr[-1])
        lifted = np.stack([bicubic(lr) for lr in to_picture(batch.lr)])
        gains.append(psnr(sr, hr) - psnr(lifted, hr))
        angles += [typology_angle(*pair) for pair in zip(hr, batch.landmarks.numpy(), strict=True)]
    return torch.cat(gains), torch.tensor(angles)


def groups_of(folder: Path, people: Path | None) -> dict[str, Tensor]:
    """Which faces of the test split are of whom, as the set itself states sex and ethnicity: masks (n,) by name.

    London states it in a table of its own, UTKFace in the names of its files: age_sex_ethnicity_date.
    """
    london = {row["face_id"]: (row["face_gender"], row["face_eth"]) for row in rows(people)} if people else {}
    each = [london.get(row["subject"], ()) or stated_by_name(row.get("source", "")) for row in tested(folder)]
    names = sorted({name for both in each for name in both}, key=lambda name: (name not in ("female", "male"), name))
    return {name: torch.tensor([name in both for both in each]) for name in names}


def stated_by_name(name: str) -> tuple[str, ...]:
    found = re.match(r"\d+_([01])_([0-4])_\d{17}", name)
    return () if found is None else (UTKFACE[0][int(found[1])], UTKFACE[1][int(found[2])])


def typology_angle(picture: Picture, landmarks: NDArray[np.float32]) -> float:
    """ITA (Chardon et al. 1991), in degrees: arctan((L* - 50) / b*) of the median of both cheeks; light is high.

    A cheek is the square of 11 pixels half way from the jaw (points 2 and 14) to the wing of the nose (31 and 35).
    """
    lab = rgb2lab(picture)
    cheeks = [landmarks[list(pair)].mean(0).round().astype(int) for pair in ((2, 31), (14, 35))]
    pixels = np.concatenate([lab[y - 5 : y + 6, x - 5 : x + 6].reshape(-1, 3) for x, y in cheeks])
    lightness, _, yellow = np.median(pixels, 0)
    return math.degrees(math.atan2(lightness - 50, yellow))


@torch.inference_mode()
def feature_distances(net: MPENet, faces: Faces) -> dict[str, float]:
    """Mean squared difference to the features of the originals, of bicubic and of every step."""
    features, sums = own_features(), dict[str, float]()
    for batch in DataLoader(CentreCrops(faces), batch_size=16):
        steps = {f"step {number}": sr for number, sr in enumerate(net(batch.lr).sr, 1)}
        lifted = to_tensor(np.stack([bicubic(lr) for lr in to_picture(batch.lr)]))
        for name, sr in {"bicubic": lifted, **steps}.items():
            distance = perceptual_loss(sr, batch.hr, features).item()
            sums[name] = sums.get(name, 0.0) + distance * len(sr)
    return {name: total / len(faces) for name, total in sums.items()}


def mean_face_error(faces: Faces) -> float:
    """What one would get who looked at no face and always drew the mean of these."""
    true = torch.from_numpy(faces.landmarks)
    return landmark_error(true.mean(0).expand_as(true), true).mean().item()


if __name__ == "__main__":
    main()
