"""An update moves what it should, and nothing where its gradient is not finite; the gradient shares add up."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from accelerate import Accelerator
from shared import TINIER
from torch import Tensor, nn
from torch.utils.data import default_collate

from mpe_lib.config import Config, preset
from mpe_lib.faces.crops import CROP, Sample
from mpe_lib.learner import Learner, branches, gradient_shares
from mpe_lib.losses import mpe_loss
from mpe_lib.nets import VGGFace, build_model
from mpe_lib.recompute import recompute_parts

CONFIG = preset("tiny").replace(
    TINIER
    | {
        "net.aus": "6,12",
        "train.warmup": 0,
        "train.average": 0.5,
        "train.discriminator_width": 1 / 16,
    }
)
GAN = {"train.lambda_per": 0.1, "train.lambda_adv": 0.001}


def batch_of(seed: int = 0) -> Sample:
    random = torch.Generator().manual_seed(seed)

    def sample() -> Sample:
        hr, lr = (torch.rand(3, side, side, generator=random) for side in (CROP, CROP // 8))
        points = torch.rand(68, 2, generator=random) * CROP
        return Sample(hr, lr, points, torch.tensor([0.0, 1.0]))

    return default_collate([sample() for _ in range(2)])


def learner(changes: dict[str, Any] | None = None) -> Learner:
    torch.manual_seed(0)
    features = VGGFace(1 / 16) if changes and changes.get("train.lambda_per") else None
    return Learner(CONFIG.replace(changes or {}), torch.ones(2), Accelerator(cpu=True), features)


def everything(learner: Learner) -> dict[str, Tensor]:
    """A copy of all that a checkpoint holds."""
    held = {"net": learner.net, "average": learner.average.module, "discriminator": learner.discriminator}
    tensors = {
        f"{name} {key}": value for name, each in held.items() if each for key, value in each.state_dict().items()
    }
    for name, optimizer in learner.optimizers.items():
        for number, state in optimizer.state_dict()["state"].items():
            tensors |= {f"{name} optimizer {number} {key}": value for key, value in state.items()}
    return {name: tensor.clone() for name, tensor in tensors.items()}


def moved(before: dict[str, Tensor], after: dict[str, Tensor]) -> set[str]:
    return {name for name, tensor in after.items() if name not in before or not torch.equal(tensor, before[name])}


# ---- an update


def test_an_update_moves_the_network_and_its_average() -> None:
    mpenet = learner()
    before = everything(mpenet)
    step = mpenet.update(batch_of(), 1)
    assert step.problem is None
    assert step.shares is None
    assert step.terms.per is step.terms.adv is step.terms.dis is None
    parameters = {f"net {name}" for name, _ in mpenet.net.named_parameters()}
    still = parameters - moved(before, everything(mpenet))
    # layers below one that starts at zero get no gradient before the second update
    assert not [name for name in still if "reconstruct.2" in name or "heads" in name or "fc" in name]
    assert "average extract.0.weight" in everything(mpenet)
    mpenet.update(batch_of(), 2)
    assert not parameters - moved(before, everything(mpenet))


def test_the_average_follows_by_its_decay() -> None:
    mpenet = learner()
    name = "reconstruct.2.weight"
    places = []
    for update in (1, 2, 3):
        mpenet.update(batch_of(), update)
        places.append(mpenet.net.get_parameter(name).detach().clone())
    expected = 0.5 * (0.5 * places[0] + 0.5 * places[1]) + 0.5 * places[2]
    assert torch.allclose(mpenet.average.module.get_parameter(name), expected, atol=1e-7)


def test_a_network_to_start_with() -> None:
    start = build_model(CONFIG.net)
    mpenet = Learner(CONFIG, torch.ones(2), Accelerator(cpu=True), start=start)
    for name, tensor in start.state_dict().items():
        assert torch.equal(mpenet.net.state_dict()[name], tensor)
    mpenet.update(batch_of(), 1)
    assert not torch.equal(mpenet.net.reconstruct[2].weight, start.reconstruct[2].weight)  # a copy


# ---- MPEGAN


def test_the_discriminator_learns_beside_the_generator() -> None:
    gan = learner(GAN)
    before = everything(gan)
    step = gan.update(batch_of(), 1)
    terms = {name: value.item() for name, value in step.terms.known().items()}
    assert terms["dis"] == pytest.approx(2 * 0.6931, abs=0.4)  # it can't tell yet
    weighted = terms["rec"] + 0.1 * terms["align"] + CONFIG.train.lambda_au * terms["au"]
    assert terms["total"] == pytest.approx(weighted + 0.1 * terms["per"] + 0.001 * terms["adv"], rel=1e-5)
    assert "discriminator body.0.weight" in moved(before, everything(gan))
    assert "discriminator optimizer 0 exp_avg" in everything(gan)


def test_the_generators_step_leaves_no_gradient_in_the_discriminator() -> None:
    one, other = learner(GAN), learner(GAN)
    other.discriminator.load_state_dict(one.discriminator.state_dict())
    batch = batch_of()
    one.update(batch, 1)
    sr = other.net(batch.lr).sr[-1].detach()
    real, fake = other.discriminator(torch.cat([batch.hr, sr])).chunk(2)
    (nn.functional.softplus(-real).mean() + nn.functional.softplus(fake).mean()).backward()
    norm = nn.utils.clip_grad_norm_(other.discriminator.parameters(), CONFIG.train.clip)
    assert norm > 0
    for mine, by_hand in zip(one.discriminator.parameters(), other.discriminator.parameters(), strict=True):
        assert torch.allclose(mine.grad, by_hand.grad, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("term", ["lambda_per", "lambda_adv"])
def test_each_term_of_mpegan_reaches_the_generator(term: str) -> None:
    gan = learner({f"train.{term}": 1.0})
    shares = gan.update(batch_of(), 1, measure=True).shares
    assert shares["sr"][term.removeprefix("lambda_")] > 0.01


def test_the_features_are_frozen() -> None:
    gan = learner(GAN)
    frozen = [parameter.clone() for parameter in gan._features.parameters()]
    gan.update(batch_of(), 1)
    for before, after in zip(frozen, gan._features.parameters(), strict=True):
        assert torch.equal(before, after)
        assert after.grad is None


# ---- what is not finite


def poison(**fields: float) -> Sample:
    """A batch with one bad number in each field named."""
    batch = batch_of(seed=7)
    changed = {name: getattr(batch, name).clone() for name in fields}
    for name, tensor in changed.items():
        tensor.view(-1)[5] = fields[name]
    return batch._replace(**changed)


@pytest.mark.parametrize(
    ("batch", "told"),
    [
        (poison(hr=float("nan")), "L_rec is not finite"),
        (poison(hr=float("inf")), "L_rec is not finite"),
        (poison(lr=float("nan")), "L_au is not finite"),
        (poison(hr=1e20), "L_rec is not finite"),  # its square is too large
    ],
)
@pytest.mark.parametrize("changes", [{}, GAN])
def test_nothing_is_learnt_from_what_is_not_finite(batch: Sample, told: str, changes: dict[str, Any]) -> None:
    mine = learner(changes)
    mine.update(batch_of(), 1)
    before = everything(mine)
    step = mine.update(batch, 2)
    assert step.problem is not None
    if not changes:
        assert step.problem == told
    assert not moved(before, everything(mine))
    assert mine.update(batch_of(seed=3), 3).problem is None
    assert all(tensor.isfinite().all() for tensor in everything(mine).values())


def test_a_loss_that_is_finite_and_a_gradient_that_is_not() -> None:
    mpenet = learner()
    mpenet.update(batch_of(), 1)
    before = everything(mpenet)
    hook = mpenet.net.extract[0].weight.register_hook(lambda gradient: gradient * float("inf"))
    step = mpenet.update(batch_of(), 2)
    assert step.problem == "the gradient of the net is not finite"
    assert not moved(before, everything(mpenet))
    hook.remove()
    assert mpenet.update(batch_of(), 2).problem is None


# ---- gradient shares


def test_gradient_shares_by_hand() -> None:
    a, b = nn.Parameter(torch.tensor([3.0, 4.0])), nn.Parameter(torch.tensor(2.0))
    terms = {"one": a.sum() + b, "two": 3 * a.sum(), "none": torch.zeros(())}
    shares = gradient_shares(terms, {"a": [a], "b": [b]})
    assert shares["a"] == pytest.approx({"one": 1 / 4, "two": 3 / 4, "none": 0})
    assert shares["b"] == pytest.approx({"one": 1, "two": 0, "none": 0})
    sum(terms.values()).backward()  # the graph is still there
    assert a.grad.tolist() == [4, 4]


def test_the_shares_of_an_update() -> None:
    mpenet = learner({"net.detach_priors": True})
    mpenet.update(batch_of(), 1)
    shares = mpenet.update(batch_of(), 2, measure=True).shares
    assert shares.keys() == {"sr", "align", "au"}
    for by_term in shares.values():
        assert by_term.keys() == {"rec", "align", "au"}
        assert sum(by_term.values()) == pytest.approx(1)
    assert shares["au"]["au"] == shares["align"]["align"] == 1  # detached: each learns from its own loss alone
    joint = learner({"net.detach_priors": False})
    joint.update(batch_of(), 1)
    assert joint.update(batch_of(), 2, measure=True).shares["align"]["rec"] > 0


def test_measuring_changes_nothing() -> None:
    one, other = learner(), learner()
    for update in (1, 2):
        one.update(batch_of(), update, measure=True)
        other.update(batch_of(), update)
    assert not moved(everything(one), everything(other))


def test_the_branches_are_the_whole_network() -> None:
    net = build_model(CONFIG.net)
    parts = branches(net)
    assert sum(len(part) for part in parts.values()) == len(list(net.parameters()))
    off = {"net.use_aus": False, "net.use_attention": False}
    assert branches(build_model(CONFIG.replace(off).net)).keys() == {"sr", "align"}


# ---- recomputing


def gradients(config: Config, prepare: Callable[[nn.Module], None]) -> dict[str, Tensor]:
    """Output, gradients and statistics after one pass there and back."""
    torch.manual_seed(0)
    net = build_model(config.net)
    for parameter in net.parameters():
        parameter.data += 0.02 * torch.randn_like(parameter)
    prepare(net)
    batch = batch_of()
    output = net(batch.lr)
    mpe_loss(output, batch, torch.ones(2), config.train).total.backward()
    found = {f"gradient {name}": parameter.grad for name, parameter in net.named_parameters()}
    return found | {f"buffer {name}": buffer for name, buffer in net.named_buffers()} | {"sr": output.sr[-1]}


@pytest.mark.parametrize("detach", [True, False])
def test_recomputing_changes_nothing_and_counts_a_batch_once(detach: bool) -> None:
    config = CONFIG.replace({"net.detach_priors": detach})
    plain, again = (gradients(config, prepare) for prepare in (lambda _: None, recompute_parts))
    assert plain.keys() == again.keys()
    for name, tensor in plain.items():
        assert torch.equal(tensor, again[name]), name
    counts = [count for name, count in again.items() if name.endswith("num_batches_tracked")]
    assert len(counts) > 20
    assert {int(count) for count in counts} == {1}


def test_recomputing_measures_the_same_shares() -> None:
    found = []
    for recompute in (False, True):
        learning = learner({"train.recompute": recompute})
        step = learning.update(batch_of(), 1, measure=True)
        found.append((step.shares, list(learning.net.state_dict().values())))
    (shares, plain), (same, again) = found
    assert shares == same
    assert all(map(torch.equal, plain, again))


def test_recomputing_keeps_less() -> None:
    def kept(prepare: Callable[[nn.Module], None]) -> int:
        """Bytes that the way back needs."""
        net = build_model(CONFIG.replace({"net.channels": 16, "net.groups": 3}).net)
        prepare(net)
        sizes: dict[int, int] = {}

        def pack(tensor: Tensor) -> Tensor:
            sizes[tensor.data_ptr()] = tensor.untyped_storage().nbytes()
            return tensor

        batch = batch_of()
        with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
            terms = mpe_loss(net(batch.lr), batch, torch.ones(2), CONFIG.train)
        assert terms.total.requires_grad
        return sum(sizes.values())

    assert kept(recompute_parts) < 0.3 * kept(lambda _: None)
