"""An update of a preset at batch 4: its time, its peak memory, and the share of it that loading the data takes."""

import argparse
import tempfile
import time
from pathlib import Path

import torch
from accelerate import Accelerator
from machine import describe, peak_megabytes
from torch.utils.data import default_collate

from mpe_lib.config import preset
from mpe_lib.faces.astronaut import astronaut_folder
from mpe_lib.faces.crops import RandomCrops
from mpe_lib.faces.facset import read_faces
from mpe_lib.losses import au_weights
from mpe_lib.nets import MPENet
from mpe_lib.train import update_once


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--preset", default="base")
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--updates", type=int, default=5)
    parser.add_argument("--precision", choices=["fp32", "bf16"], default="fp32")
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    config = preset(arguments.preset).replace({"train.batch": arguments.batch, "train.precision": arguments.precision})

    with tempfile.TemporaryDirectory() as folder:
        faces = read_faces(astronaut_folder(Path(folder), 16), "train", config.net.aus)
        crops = RandomCrops(faces, config.train.scale_jitter, seed=0)
        net = MPENet(config.net).to(memory_format=torch.channels_last)
        optimizer = torch.optim.Adam(net.parameters())
        accelerator, weights = Accelerator(cpu=True), au_weights(faces.rates())
        loading, training = [], []
        for number in range(1, arguments.updates + 2):
            start = time.perf_counter()
            batch = default_collate([crops[(number, i % len(faces))] for i in range(arguments.batch)])
            loaded = time.perf_counter()
            update_once(accelerator, net, optimizer, batch, weights, number, config.train)
            loading.append(loaded - start)
            training.append(time.perf_counter() - loaded)
    # the first update allocates and chooses kernels
    load, train = (sum(times[1:]) / arguments.updates for times in (loading, training))
    print(describe())
    print(f"{arguments.preset}, batch {arguments.batch}, {arguments.precision}")
    print(f"update {load + train:.2f} s, loading {100 * load / (load + train):.1f}%, peak {peak_megabytes():.0f} MB")


if __name__ == "__main__":
    main()
