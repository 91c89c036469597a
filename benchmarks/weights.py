"""Everything on the card of shipped weights: gains over bicubic, landmarks, AUs, and what the priors do."""

import argparse
from pathlib import Path

import numpy as np
import torch
from machine import describe
from torch import Tensor
from torch.utils.data import DataLoader

from mpe_lib import load
from mpe_lib.evaluate import au_probabilities, evaluate, figures_table, prior_effects
from mpe_lib.faces.crops import CentreCrops
from mpe_lib.faces.degrade import bicubic
from mpe_lib.faces.facset import Faces, read_faces
from mpe_lib.features import own_features
from mpe_lib.losses import perceptual_loss
from mpe_lib.metrics import landmark_error
from mpe_lib.nets import MPENet
from mpe_lib.pixels import to_picture, to_tensor


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--faces", type=Path, nargs="+", required=True, help="face folders with a test split")
    parser.add_argument("--weights", default="small")
    parser.add_argument("--smiles", type=Path, help="a folder of the London Set: files n*.jpg neutral, s*.jpg smiling")
    arguments = parser.parse_args()
    net = load(arguments.weights)
    print(describe())
    for folder in arguments.faces:
        faces = read_faces(folder, "test", net.config.aus)
        for border in (0, 8):
            figures = evaluate(net, faces, border)
            print(f"\n{folder.name} test: {figures_table(figures)}")
        print(f"landmark error of the mean face of them: {mean_face_error(faces):.4f}")
        print("own-feature distance (relu5_3 of the features that come with mpe_lib; L_per of Eq. 10):")
        for name, distance in feature_distances(net, faces).items():
            print(f"  {name:24}{distance:.4f}")
        effects = prior_effects(net, faces)
        print(f"step 3 with its own priors {effects.pop('own'):.3f} dB; change with another prior:")
        for name, change in effects.items():
            print(f"  {name:24}{change:+.4f} dB")
    if arguments.smiles:
        faces = read_faces(arguments.smiles, "test", net.config.aus)
        smiling = torch.tensor([path.name.startswith("s") for path in faces.paths])
        probability = au_probabilities(net, faces)
        print(f"\nsmiling against neutral, {int(smiling.sum())} and {int((~smiling).sum())} faces, AUC:")
        for i, au in enumerate(net.config.aus):
            print(f"  AU{au:<3} {area_under_curve(probability[:, i], smiling):.3f}")


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


def area_under_curve(score: Tensor, positive: Tensor) -> float:
    """How often a positive scores higher than a negative; ties count half."""
    above = score[positive][:, None] - score[~positive][None]
    return ((above > 0).float() + 0.5 * (above == 0).float()).mean().item()


if __name__ == "__main__":
    main()
