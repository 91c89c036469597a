"""Train the project's own face features, for those who have no VGG-Face, or measure those that there are:

    python tools/face_features.py --faces utk people --out own.safetensors
    python tools/face_features.py --pairs london

VGG-16's convolutions at a quarter of their width see every face of a batch twice, cut out otherwise, mirrored, in other
light, and learn which two pictures are one face (Chen et al. 2020, SimCLR). No labels are needed.
"""

import argparse
import csv
import math
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader

from mpe_lib.faces.crops import CentreCrops, RandomCrops, Shuffled
from mpe_lib.faces.facset import Faces, read_faces
from mpe_lib.features import OWN_WIDTH as WIDTH
from mpe_lib.features import own_features
from mpe_lib.nets import VGGFace

TEMPERATURE = 0.2


class Matcher(nn.Module):
    """The features, and what tells faces apart by them."""

    def __init__(self) -> None:
        super().__init__()
        self.features = VGGFace(WIDTH)
        channels = self.features.conv5_3.out_channels
        # the means are positive, and nearly the same of every face: what is told apart is how they differ
        self.head = nn.Sequential(nn.BatchNorm1d(channels, affine=False), nn.Linear(channels, channels))

    def forward(self, pictures: Tensor) -> Tensor:
        """(N, 3, 128, 128) -> (N, C) of length 1."""
        return F.normalize(self.head(self.features(pictures).mean((2, 3)).float()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--faces", type=Path, nargs="+", help="face folders to train on")
    what.add_argument("--pairs", type=Path, help="a face folder with two pictures of each subject, to measure")
    parser.add_argument("--out", type=Path, default=Path("own.safetensors"), help="also kept while training")
    parser.add_argument("--updates", type=int, default=4000)
    parser.add_argument("--batch", type=int, default=24)
    parser.add_argument("--lr", type=float, default=5e-4)
    arguments = parser.parse_args()
    if arguments.pairs:
        measure(arguments.pairs)
    else:
        train(arguments)


def train(arguments: argparse.Namespace) -> None:
    folders = [read_faces(folder, "train", ()) for folder in arguments.faces]
    faces = sum(folders[1:], folders[0])
    crops = RandomCrops(faces, 0.12, seed=0)
    torch.manual_seed(0)
    net = Matcher().to(memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(net.parameters(), arguments.lr)
    state, done = arguments.out.with_suffix(".state"), 0
    if state.is_file():
        stored = torch.load(state, weights_only=True)
        net.load_state_dict(stored["net"])
        optimizer.load_state_dict(stored["optimizer"])
        done = stored["updates"]
    start, right = time.perf_counter(), 0.0
    for update, keys in enumerate(Shuffled(len(faces), arguments.batch, done, arguments.updates, seed=0), done + 1):
        views = [torch.stack([crops[(2 * visit + view, index)].hr for visit, index in keys]) for view in (0, 1)]
        pictures = lit(torch.cat(views), update).contiguous(memory_format=torch.channels_last)
        for group in optimizer.param_groups:
            group["lr"] = arguments.lr * min(1, update / 200) * (1 + math.cos(math.pi * update / arguments.updates)) / 2
        with torch.autocast("cpu", torch.bfloat16):
            one, other = net(pictures).float().chunk(2)
        near, target = one @ other.T / TEMPERATURE, torch.arange(len(keys))
        loss = F.cross_entropy(near, target) + F.cross_entropy(near.T, target)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
        right += ((near.argmax(1) == target).float().mean().item() - right) / min(update, 50)
        if update % 100 == 0 or update == arguments.updates:
            torch.save({"net": net.state_dict(), "optimizer": optimizer.state_dict(), "updates": update}, state)
            save(net.features, faces, arguments.out)
            seconds = time.perf_counter() - start
            print(f"update {update}: loss {loss.item():.3f}, {right:.1%} right, {seconds:.0f} s", flush=True)
    state.unlink(missing_ok=True)


def save(features: VGGFace, faces: Faces, path: Path) -> None:
    """So that the mean square of the features is 1, or the weight of a loss would mean nothing; in half precision."""
    chosen = faces.take(np.linspace(0, len(faces) - 1, min(256, len(faces))).round().astype(np.int64))
    with torch.inference_mode():
        squares = [features(batch.hr).square().mean() for batch in DataLoader(CentreCrops(chosen), batch_size=16)]
    size = torch.stack(squares).mean().sqrt().item()
    tensors = {name: tensor / (size if "conv5_3" in name else 1) for name, tensor in features.state_dict().items()}
    small = "conv5_3"  # where the numbers are too small for it
    save_file(
        {name: (tensor if small in name else tensor.half()).contiguous() for name, tensor in tensors.items()}, path
    )


def lit(pictures: Tensor, seed: int) -> Tensor:
    """Each picture brighter or darker, flatter or harder, and of another tint; a third are grey."""
    random = torch.Generator().manual_seed(seed)

    def around_one(share: float, channels: int) -> Tensor:
        return 1 + share * (2 * torch.rand(len(pictures), channels, 1, 1, generator=random) - 1)

    grey = torch.rand(len(pictures), 1, 1, 1, generator=random) < 1 / 3
    pictures = torch.where(grey, pictures.mean(1, keepdim=True), pictures)
    mean = pictures.mean((1, 2, 3), keepdim=True)
    light = around_one(0.3, 1) * around_one(0.15, 3)
    return (light * (mean + around_one(0.3, 1) * (pictures - mean))).clamp(0, 1)


def measure(folder: Path) -> None:
    """A table: our features, the same network untrained, and the pictures themselves."""
    torch.manual_seed(0)
    seen: dict[str, Callable[[Tensor], Tensor]] = {
        "own features": own_features(),
        "untrained": VGGFace(WIDTH),
        "pictures at 8 x 8": lambda pictures: F.adaptive_avg_pool2d(pictures, 8).flatten(1)[..., None, None],
    }
    print(f"{'':20}{'as photographed':>16}{'in other light':>16}")
    for name, features in seen.items():
        print(f"{name:20}" + "".join(f"{same_person(features, folder, light):16.3f}" for light in (False, True)))


def same_person(features: Callable[[Tensor], Tensor], folder: Path, light: bool) -> float:
    """The chance that two pictures of one person are more alike than pictures of two; `light` varies it."""
    faces = read_faces(folder, None, ())
    with (folder / "metadata.csv").open(newline="", encoding="utf-8") as file:
        names = np.array([row["subject"] for row in csv.DictReader(file)])
    with torch.inference_mode():
        batches = enumerate(DataLoader(CentreCrops(faces), batch_size=16), 1)
        vectors = torch.cat([features(lit(b.hr, number) if light else b.hr).mean((2, 3)) for number, b in batches])
    vectors = F.normalize((vectors - vectors.mean(0)) / vectors.std(0).clamp(min=1e-6))
    near = (vectors @ vectors.T).numpy()
    above = np.triu(np.ones_like(near, dtype=bool), 1)
    same = names[:, None] == names
    return float((near[above & same][:, None] > near[above & ~same]).mean())


if __name__ == "__main__":
    main()
