"""Train the project's own face features, for those who have no VGG-Face: python tools/face_features.py --help.

VGG-16's convolutions at a quarter of their width learn who is who: every synthetic person is a class, and so is every
photograph of a face folder without subjects, seen in many crops, mirrored, and in other light.
"""

import argparse
import csv
import math
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader

from mpe_lib.faces.crops import CentreCrops, RandomCrops, Shuffled
from mpe_lib.faces.facset import read_faces
from mpe_lib.nets.vggface import VGGFace

WIDTH = 0.25
SHARPNESS = 16.0  # of the softmax over cosines


class Classifier(nn.Module):
    """Cosines between a face's mean features and a direction for each class."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.features = VGGFace(WIDTH)
        self.classes = nn.Parameter(torch.randn(classes, self.features.conv5_3.out_channels))

    def forward(self, picture: Tensor) -> Tensor:
        """(N, 3, 128, 128) -> (N, classes) logits."""
        return SHARPNESS * embed(self.features, picture) @ F.normalize(self.classes).T


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--faces", type=Path, nargs="+", required=True, help="face folders to train on")
    parser.add_argument("--pairs", type=Path, help="a face folder with two pictures of each subject, to measure")
    parser.add_argument("--out", type=Path, required=True, help="the safetensors file, also kept while training")
    parser.add_argument("--updates", type=int, default=4000)
    parser.add_argument("--batch", type=int, default=48)
    parser.add_argument("--lr", type=float, default=1e-3)
    arguments = parser.parse_args()

    folders = [read_faces(folder, "train", ()) for folder in arguments.faces]
    faces = sum(folders[1:], folders[0])
    labels = torch.tensor(classes([name for folder in arguments.faces for name in subjects(folder, "train")]))
    net = Classifier(int(labels.max()) + 1).to(memory_format=torch.channels_last)
    state = arguments.out.with_suffix(".state")
    done = 0
    optimizer = torch.optim.AdamW(net.parameters(), arguments.lr, weight_decay=1e-4)
    if state.is_file():
        stored = torch.load(state, weights_only=True)
        net.load_state_dict(stored["net"])
        optimizer.load_state_dict(stored["optimizer"])
        done = stored["updates"]
    batches = Shuffled(len(faces), arguments.batch, done, arguments.updates, seed=0)
    start, right = time.perf_counter(), 0.0
    for update, keys in enumerate(batches, done + 1):
        crops = RandomCrops(faces, 0.08, seed=0)
        pictures = torch.stack([crops[key].hr for key in keys]).contiguous(memory_format=torch.channels_last)
        target = labels[[index for _, index in keys]]
        for group in optimizer.param_groups:
            warm = min(1, update / 200)
            group["lr"] = arguments.lr * warm * (1 + math.cos(math.pi * update / arguments.updates)) / 2
        with torch.autocast("cpu", torch.bfloat16):
            logits = net(lit(pictures, update))
        loss = F.cross_entropy(logits.float(), target)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
        right += ((logits.argmax(1) == target).float().mean().item() - right) / min(update, 50)
        if update % 100 == 0 or update == arguments.updates:
            torch.save({"net": net.state_dict(), "optimizer": optimizer.state_dict(), "updates": update}, state)
            save(net.features, arguments.out)
            told = f"update {update}: loss {loss.item():.3f}, {100 * right:.1f}% right"
            if arguments.pairs:
                told += f", same person AUC {same_person(net.features, arguments.pairs):.3f}"
            print(f"{told}, {time.perf_counter() - start:.0f} s", flush=True)
    state.unlink()


def embed(features: VGGFace, picture: Tensor) -> Tensor:
    """(N, 3, 128, 128) -> (N, C), the mean of relu5_3 at length 1."""
    return F.normalize(features(picture).mean((2, 3)))


def lit(pictures: Tensor, seed: int) -> Tensor:
    """Each picture a little brighter or darker, flatter or harder, and of another tint; a third are grey."""
    random = torch.Generator().manual_seed(seed)
    n = len(pictures)
    gain = 1 + 0.3 * (2 * torch.rand(n, 3, 1, 1, generator=random) - 1) * torch.tensor([1, 0.3, 0.3]).view(1, 3, 1, 1)
    tint = gain[:, :1] * (1 + 0.15 * (2 * torch.rand(n, 3, 1, 1, generator=random) - 1))
    contrast = 1 + 0.3 * (2 * torch.rand(n, 1, 1, 1, generator=random) - 1)
    grey = (torch.rand(n, 1, 1, 1, generator=random) < 1 / 3).float()
    pictures = grey * pictures.mean(1, keepdim=True) + (1 - grey) * pictures
    mean = pictures.mean((1, 2, 3), keepdim=True)
    return (tint * (mean + contrast * (pictures - mean))).clamp(0, 1)


def same_person(features: VGGFace, folder: Path) -> float:
    """Chance that two pictures of one person are nearer to each other than pictures of two."""
    faces = read_faces(folder, None, ())
    names = np.array(subjects(folder, None))
    with torch.inference_mode():
        vectors = torch.cat([embed(features, batch.hr) for batch in DataLoader(CentreCrops(faces), batch_size=16)])
    near = (vectors @ vectors.T).numpy()
    above = np.triu(np.ones_like(near, dtype=bool), 1)
    same = names[:, None] == names
    yes, no = near[above & same], near[above & ~same]
    return float((yes[:, None] > no).mean())


def subjects(folder: Path, split: str | None) -> list[str]:
    """Who is on each face of a folder; one that names nobody has somebody else on each."""
    with (folder / "metadata.csv").open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if split in (None, row["split"])]
    return [f"{folder}/{row.get('subject') or row['file_name']}" for row in rows]


def classes(names: Sequence[str]) -> list[int]:
    """A number for each name."""
    numbers = {name: number for number, name in enumerate(dict.fromkeys(names))}
    return [numbers[name] for name in names]


def save(features: VGGFace, path: Path) -> None:
    """In half precision."""
    save_file({name: tensor.half().contiguous() for name, tensor in features.state_dict().items()}, path)


if __name__ == "__main__":
    main()
