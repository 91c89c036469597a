"""On a GPU, where there is one: the same network, the same training, and what is told when its memory is too small."""

import copy
import json
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from torch.utils.data import default_collate
from typer.testing import CliRunner

from mpe_lib import weights
from mpe_lib.cli import app
from mpe_lib.config import PRESETS, preset
from mpe_lib.errors import UserError
from mpe_lib.evaluate import evaluate
from mpe_lib.faces.crops import RandomCrops, Sample
from mpe_lib.faces.facset import read_faces
from mpe_lib.learner import Learner
from mpe_lib.losses import au_weights, mpe_loss
from mpe_lib.nets import MPENet, build_model
from mpe_lib.steer import effects, steer
from mpe_lib.train import train

pytestmark = [pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")]

CONFIG = preset("tiny").replace(
    {"train.updates": 30, "train.batch": 4, "train.validate_every": 15, "train.save_every": 15, "train.log_every": 1}
)


@pytest.fixture(autouse=True)
def exact() -> Generator[None]:
    """True single precision, not tf32; and accelerate forgets which device other tests asked it for."""
    before = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = False
    AcceleratorState._reset_state(reset_partial_state=True)
    yield
    AcceleratorState._reset_state(reset_partial_state=True)
    torch.backends.cudnn.allow_tf32 = before


@pytest.fixture
def batch(faces: Path) -> Sample:
    crops = RandomCrops(read_faces(faces, "train", CONFIG.net.aus), 0.08, seed=0)
    return Sample(*default_collate([crops[(0, number)] for number in range(4)]))


def to_gpu(batch: Sample) -> Sample:
    return Sample(*(tensor.cuda() for tensor in batch))


def relative(found: torch.Tensor, expected: torch.Tensor) -> float:
    return float((found.cpu().double() - expected.double()).norm() / expected.double().norm())


@pytest.mark.parametrize("name", sorted(set(PRESETS) - {"wavelet", "paper", "mpegan"}))
def test_every_system_gives_the_same_picture(name: str) -> None:
    torch.manual_seed(0)
    net = build_model(name).eval()
    lr = torch.rand(2, 3, 16, 16) if name not in ("judge", "judge-small") else torch.rand(2, 3, 128, 128)
    with torch.inference_mode():
        expected, found = net(lr), copy.deepcopy(net).cuda()(lr.cuda())
    for field, value in expected._asdict().items():
        for ours, theirs in zip(_tensors(getattr(found, field)), _tensors(value), strict=True):
            torch.testing.assert_close(ours.cpu(), theirs, rtol=1e-3, atol=1e-4, msg=field)


def _tensors(value: Any) -> list[torch.Tensor]:
    return [] if value is None else [value] if isinstance(value, torch.Tensor) else list(value)


def test_the_same_gradients(tiny: MPENet, batch: Sample) -> None:
    gradients = []
    for device in ("cpu", "cuda"):
        net = copy.deepcopy(tiny).to(device).double()
        on_device = Sample(*(tensor.to(device).double() for tensor in batch))
        mpe_loss(net(on_device.lr), on_device, torch.ones(8, device=device).double(), CONFIG.train).total.backward()
        gradients.append({name: each.grad.cpu() for name, each in net.named_parameters() if each.grad is not None})
    assert gradients[0].keys() == gradients[1].keys()
    for name, gradient in gradients[0].items():
        torch.testing.assert_close(gradients[1][name], gradient, rtol=1e-6, atol=1e-9, msg=name)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"train.precision": "bf16"},
        {"train.recompute": True},
        {"train.graph": True},
        {"train.graph": True, "train.precision": "bf16"},
        {"train.compile": True},
        {"train.compile": True, "train.precision": "bf16"},
        {"train.lambda_per": 0.1, "train.lambda_adv": 0.001, "train.discriminator_width": 0.25},
    ],
    ids=lambda changes: "+".join(changes) or "plain",
)
def test_it_learns(faces: Path, changes: dict[str, Any]) -> None:
    config = CONFIG.replace(changes)
    known = read_faces(faces, "train", config.net.aus)
    crops = RandomCrops(known, 0, seed=0)
    one = to_gpu(Sample(*default_collate([crops[(0, number)] for number in range(4)])))
    learner = Learner(config, au_weights(known.rates()), Accelerator(), torch.nn.Identity())
    steps = [learner.update(one, number, measure=number == 1) for number in range(1, 31)]
    assert not any(step.problem for step in steps)
    first, last = (float(steps[at].terms.rec) for at in (0, -1))
    assert last < 0.98 * first
    assert steps[0].shares is not None


@pytest.mark.parametrize("name", ["tiny", "srfbn-small", "wavelet-small", "dic-small", "sisn-small"])
def test_recorded_as_a_graph_an_update_stays_the_same(name: str, faces: Path) -> None:
    config = preset(name).replace({"train.warmup": 0, "train.lr": 1e-3})
    crops = RandomCrops(read_faces(faces, "train", config.net.aus), 0.08, seed=0)
    lr, pictures = torch.rand(4, 3, 16, 16).cuda(), list[torch.Tensor]()
    for graph in (False, True):
        weights = torch.ones(len(config.net.aus))
        learner = Learner(config.replace({"train.graph": graph}), weights, Accelerator())
        for number in range(1, 5):
            batch = to_gpu(Sample(*default_collate([crops[(number, face)] for face in range(4)])))
            step = learner.update(batch, number, measure=number == 3)
            assert step.problem is None
        with torch.inference_mode():
            pictures.append(learner.net(lr).sr[-1].cpu())
    assert relative(pictures[1], pictures[0]) < 0.01  # a GPU adds up in another order each time


@pytest.mark.parametrize("workers", [0, 1])
def test_a_training_resumes_and_its_network_is_measured_alike(faces: Path, tmp_path: Path, workers: int) -> None:
    config = CONFIG.replace({"train.workers": workers, "train.precision": "bf16"})
    known, validation = (read_faces(faces, split, config.net.aus) for split in ("train", "val"))

    def stop(progress: Any) -> None:
        if progress.update == 20:
            raise RuntimeError("the power went out")

    with pytest.raises(RuntimeError):
        train(config, known, validation, tmp_path / "run", report=stop)
    summary = train(config, known, validation, tmp_path / "run", resume=True)
    lines = [json.loads(line) for line in (tmp_path / "run/metrics.jsonl").read_text().splitlines()]
    assert [line["update"] for line in lines] == list(range(1, 31))
    assert summary.finished
    net = weights.load(tmp_path / "run")
    on_cpu, on_gpu = (evaluate(net.to(device), validation)["steps"] for device in ("cpu", "cuda"))
    assert on_gpu[-1] == pytest.approx(on_cpu[-1], abs=0.01)


def test_too_little_memory_is_told_with_what_takes_less(faces: Path, tmp_path: Path) -> None:
    known, validation = (read_faces(faces, split, CONFIG.net.aus) for split in ("train", "val"))
    told = r"not enough memory for train\.batch=512; --set train\.batch=256 or train\.recompute=True"
    torch.cuda.empty_cache()
    torch.cuda.set_per_process_memory_fraction(2**28 / torch.cuda.get_device_properties(0).total_memory)
    try:
        with pytest.raises(UserError, match=told):
            train(CONFIG.replace({"train.batch": 512}), known, validation, tmp_path / "run")
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)


def test_told_units_and_moved_landmarks_do_the_same(tiny: MPENet, batch: Sample) -> None:
    on_gpu = copy.deepcopy(tiny).cuda()
    lr = batch.lr[:1]
    units, moved = {12: 1.0}, {48: (3.0, -2.0)}
    for expected, found in (
        (steer(tiny, lr, units, moved).sr[-1], steer(on_gpu, lr.cuda(), units, moved).sr[-1]),
        (effects(tiny, lr).own, effects(on_gpu, lr.cuda()).own),
    ):
        assert relative(found, expected) < 1e-4


def test_the_command_line_measures(faces: Path, tiny_file: Path) -> None:
    result = CliRunner().invoke(app, ["evaluate", "--weights", str(tiny_file), "--faces", str(faces)])
    assert result.exit_code == 0, result.output
