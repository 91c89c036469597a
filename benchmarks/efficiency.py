"""How much of what the processor can multiply a network makes use of, and where its time goes, layer by layer."""

import argparse
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import torch
from machine import median_seconds
from operations import SIDE, matmul, operations
from torch.profiler import ProfilerActivity, profile

from mpe_lib import build_model
from mpe_lib.machine import describe
from mpe_lib.memory import keep_freed_memory
from mpe_lib.nets import MPENet


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--preset", default="base")
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--precision", default="float32", choices=["float32", "bfloat16"])
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    keep_freed_memory()
    precision = getattr(torch, arguments.precision)
    print(describe())
    bound = matmul("cpu", precision)
    print(f"{'torch.matmul':24}{bound:22.0f} GFLOP/s, {arguments.precision}, {SIDE['cpu']} x {SIDE['cpu']}")
    net = build_model(arguments.preset).to(memory_format=torch.channels_last)
    lr = torch.rand(arguments.batch, 3, 16, 16)
    there = operations(net.config) * arguments.batch
    for name, gflop, work in (
        ("forward", there, lambda: forward(net.eval(), lr, precision)),
        ("forward and back", 3 * there, lambda: there_and_back(net.train(), lr, precision)),
    ):
        took = median_seconds(work, arguments.repeats)
        share = gflop / took / bound
        print(f"\n{arguments.preset}, batch {arguments.batch}, {name:19}{took:7.2f} s", end="")
        print(f"{gflop / took:9.0f} GFLOP/s, {share:.0%} of torch.matmul")
        tell(by_layer(work), bound)


def forward(net: MPENet, lr: torch.Tensor, precision: torch.dtype) -> None:
    with torch.inference_mode(), torch.autocast("cpu", precision, enabled=precision != torch.float32):
        net(lr)


def there_and_back(net: MPENet, lr: torch.Tensor, precision: torch.dtype) -> None:
    """The gradient of every branch."""
    with torch.autocast("cpu", precision, enabled=precision != torch.float32):
        out = net(lr)
    heads = [*out.sr, *(out.heatmaps or ()), *([] if out.au_logits is None else [out.au_logits])]
    torch.stack([head.float().square().mean() for head in heads]).sum().backward()


def by_layer(work: Callable[[], object]) -> dict[str, tuple[float, float]]:
    """Seconds and billions of operations of each kind of layer."""
    with profile(activities=[ProfilerActivity.CPU], record_shapes=True) as recorded:
        work()
    spent: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
    for event in recorded.key_averages(group_by_input_shape=True):
        found = convolution(event)
        if found is None:
            if not event.key.startswith(("aten::convolution", "aten::_convolution", "aten::mkldnn_conv")):
                spent[f"{event.key.removeprefix('aten::')}"][0] += event.self_cpu_time_total / 1e6
            continue
        kind, gflop = found
        spent[kind][0] += event.cpu_time_total / 1e6
        spent[kind][1] += gflop * event.count
    return {kind: (time, gflop) for kind, (time, gflop) in spent.items()}


def convolution(event: Any) -> tuple[str, float] | None:
    """What kind of convolution an event was, and its operations; None if it was none."""
    if event.key == "aten::convolution":
        (x, weight), way = event.input_shapes[:2], ""
    elif event.key == "aten::convolution_backward":
        (x, weight), way = event.input_shapes[1:3], ", back"
    else:
        return None
    batch, _, height, width = x
    inputs, outputs, kernel = weight[1], weight[0], weight[2]
    # of two convs with kernels of 6, 8 or 12, that which sees the smaller picture is the transposed one
    up = kernel in (6, 8, 12) and height <= 32
    stride = {6: 2, 8: 4, 12: 8, 7: 2}.get(kernel, 1)  # a few 3x3 of ResNet-18 have 2; they are little
    places = height * width if up else height * width / stride**2
    gflop = 2e-9 * batch * inputs * outputs * kernel**2 * places * (2 if way else 1)
    return f"{'transposed ' if up else ''}conv {kernel}x{kernel}{way}", gflop


def tell(spent: dict[str, tuple[float, float]], bound: float) -> None:
    """A line for each kind of layer that counts."""
    total = sum(time for time, _ in spent.values())
    print(f"{'':34}{'of time':>9}{'GFLOP/s':>9}{'of matmul':>11}")
    rest = total
    for kind, (time, gflop) in sorted(spent.items(), key=lambda each: -each[1][0])[:12]:
        rest -= time
        rate = f"{gflop / time:9.0f}{gflop / time / bound:11.0%}" if gflop else ""
        print(f"  {kind:32}{time / total:9.1%}{rate}")
    print(f"  {'everything else':32}{rest / total:9.1%}")


if __name__ == "__main__":
    main()
