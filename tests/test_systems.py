"""Every system is trained, stopped, resumed, kept and measured by the same commands as MPENet."""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import torch
from accelerate import Accelerator
from shared import LOOP
from torch.utils.data import default_collate

from mpe_lib import load
from mpe_lib.config import Config, TrainConfig, preset
from mpe_lib.errors import UserError
from mpe_lib.evaluate import evaluate
from mpe_lib.faces.crops import CentreCrops, Sample
from mpe_lib.faces.facset import read_faces
from mpe_lib.learner import Learner, learning_rate
from mpe_lib.nets import build_model
from mpe_lib.nets.compared.lightcnn import LightCNN
from mpe_lib.photograph import restore_faces
from mpe_lib.record import Progress
from mpe_lib.train import train
from mpe_lib.weights import save

# tinier still than the presets for two cores: these tests are about the loop
TINY: dict[str, dict[str, Any]] = {
    "srcnn-small": {"net.width": 4},
    "vdsr-small": {"net.width": 4, "net.depth": 3},
    "wavelet-small": {"net.width": 2, "net.band_width": 2},
    "srfbn-small": {"net.channels": 4, "net.groups": 1, "net.iterations": 2},
    "dic-small": {
        "net.channels": 4,
        "net.groups": 1,
        "net.iterations": 2,
        "net.hourglass_width": 8,
        "net.fusion_blocks": 1,
    },
    "sisn-small": {"net.channels": 8, "net.groups": 1, "net.blocks": 1},
    "dicgan-small": {
        "net.channels": 4,
        "net.groups": 1,
        "net.iterations": 2,
        "net.hourglass_width": 8,
        "net.fusion_blocks": 1,
        "train.discriminator_width": 1 / 16,
    },
    "judge-small": {"net.aus": "6,12", "net.au_width": 1 / 16},
}


def tiny(name: str, **changes: object) -> Config:
    return preset(name).replace(TINY[name] | LOOP | {f"train.{field}": value for field, value in changes.items()})


def run(name: str, out: Path, faces: Path, *, stop_after: int | None = None, **options: Any) -> None:
    """Train; interrupted after an update if one is named."""
    config = tiny(name)
    parts = (read_faces(faces, split, config.net.aus) for split in ("train", "val"))
    torch.manual_seed(1)
    features = LightCNN(1 / 16).features if config.train.lambda_per else None

    def report(progress: Progress) -> None:
        if progress.update == stop_after:
            raise InterruptedError

    with suppress(InterruptedError):
        train(config, *parts, out, features=features, report=report, **options)


@pytest.mark.parametrize("name", TINY)
def test_it_learns_is_kept_and_is_measured(name: str, faces: Path, tmp_path: Path) -> None:
    run(name, tmp_path / "run", faces)
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert summary["finished"]
    assert summary["skipped"] == 0
    net = load(tmp_path / "run")
    assert net.config == tiny(name).net
    fresh = build_model(net.config).state_dict()
    assert any(not torch.equal(fresh[key], value) for key, value in net.state_dict().items())
    figures = evaluate(net, read_faces(faces, "test", net.config.aus))
    assert len(figures["steps"]) == net.config.iterations
    assert (figures["landmark_nme"] is not None) == net.config.use_landmarks
    assert set(figures["au"]["per_au"]) == {f"AU{au}" for au in net.config.aus}


@pytest.mark.parametrize("name", ["srcnn-small", "dic-small", "judge-small"])
def test_it_goes_on_bit_for_bit(name: str, faces: Path, tmp_path: Path) -> None:
    run(name, tmp_path / "whole", faces)
    run(name, tmp_path / "halves", faces, stop_after=3)
    run(name, tmp_path / "halves", faces, resume=True)
    whole, halves = ((tmp_path / way / "last" / "net.safetensors").read_bytes() for way in ("whole", "halves"))
    assert whole == halves


def test_a_run_of_another_system_is_not_gone_on_with(faces: Path, tmp_path: Path) -> None:
    run("srcnn-small", tmp_path, faces, stop_after=3)
    with pytest.raises(UserError, match=r"was trained with net.system=srcnn, not vdsr; resume with the same config"):
        run("vdsr-small", tmp_path, faces, resume=True)


def test_a_dicgan_begins_as_a_dic_and_nothing_else(faces: Path) -> None:
    config = tiny("dicgan-small")
    start = build_model(config.net)
    accelerator, features = Accelerator(cpu=True), LightCNN(1 / 16).features
    learner = Learner(config, torch.ones(0), accelerator, features, start)
    for name, tensor in start.state_dict().items():
        assert torch.equal(learner.net.state_dict()[name], tensor)
    assert isinstance(learner.discriminator, LightCNN)
    with pytest.raises(UserError, match=r"the weights to start with are of srcnn, which is not the same network"):
        Learner(config, torch.ones(0), accelerator, features, build_model(tiny("srcnn-small").net))


def test_only_mpenet_recomputes() -> None:
    with pytest.raises(UserError, match=r"train\.recompute=True, but dic has no such steps; leave it out"):
        Learner(tiny("dic-small", recompute=True), torch.ones(0), Accelerator(cpu=True))


def test_a_judge_restores_nothing() -> None:
    judge = build_model(tiny("judge-small").net)
    with pytest.raises(UserError, match=r"weights are of a judge, who restores nothing; name those of a system"):
        restore_faces(judge, [], [])


# ---- schedules


def test_the_rate_is_halved_at_shares_of_the_updates() -> None:
    config = TrainConfig(lr=0.8, updates=100, halve_at=(0.1, 0.5))
    assert [learning_rate(update, config) for update in (1, 10, 11, 50, 51, 100)] == [0.8, 0.8, 0.4, 0.4, 0.2, 0.2]


def test_the_last_layer_of_srcnn_has_a_rate_of_its_own(faces: Path) -> None:
    """Adam's first step is as long as its rate."""
    config = tiny("srcnn-small", last_layer=0.1, lr=1e-3, warmup=0, average=0.0, clip=0.0)
    learner = Learner(config, torch.ones(0), Accelerator(cpu=True))
    before = [layer.clone() for layer in learner.net.parameters()]
    crops = read_faces(faces, "train", ())
    learner.update(Sample(*default_collate([CentreCrops(crops)[index] for index in range(2)])), 1)
    steps = [(new - old).abs().max().item() for new, old in zip(learner.net.parameters(), before, strict=True)]
    rate = learning_rate(1, config.train)
    assert steps == pytest.approx([rate] * 4 + [rate / 10] * 2, rel=0.02)


# ---- weights


def test_weights_say_of_which_system_they_are(tmp_path: Path) -> None:
    config = tiny("sisn-small")
    save(tmp_path / "net.safetensors", build_model(config.net).state_dict(), config)
    net = load(tmp_path / "net.safetensors")
    assert type(net).__name__ == "SISN"
    assert json.loads(json.dumps(config.to_dict()))["net"]["system"] == "sisn"


def test_an_unknown_system_is_told_with_the_near_misses() -> None:
    with pytest.raises(UserError, match=r"unknown system 'sisnn'; did you mean sisn"):
        Config.from_dict({"net": {"system": "sisnn"}})
