"""What learns in a training, and one update of it: a network, and for a GAN its discriminator (Eq. 13)."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple, TypeVar

import torch
from accelerate import Accelerator
from torch import Tensor, nn
from torch.optim import Adam

from mpe_lib.average import Average
from mpe_lib.config import Config, TrainConfig
from mpe_lib.errors import UserError
from mpe_lib.faces.crops import Sample
from mpe_lib.graphed import graphed
from mpe_lib.losses import LossTerms, discriminator_loss, mpe_loss
from mpe_lib.nets import Discriminator, Judge, MPENet, MPEOutput, System, build_model
from mpe_lib.nets.compared.lightcnn import LightCNN
from mpe_lib.nets.growth import begin_as
from mpe_lib.recompute import recompute_parts

Shares = dict[str, dict[str, float]]  #: of each term in the gradient, by branch and term
Network = TypeVar("Network", bound=nn.Module)


class Step(NamedTuple):
    """What an update did."""

    terms: LossTerms  # before it, detached
    problem: str | None  # why nothing was learnt from it, None if something was
    shares: Shares | None  # see `gradient_shares`, if it was to measure them


class Learner:
    """The networks of a training with their optimisers, on the accelerator's device.

    Args:
        config: of the run; `lambda_adv` above 0 asks for a discriminator.
        weights: (A,), of the action units, from `au_weights`.
        features: what the perceptual loss compares, frozen; needed where `lambda_per` is above 0.
        accelerator: shares each batch among processes.
        start: the network to begin with, the same or a smaller one; else fresh weights by the config's seed.

    Raises:
        UserError: `start` is larger, or has other branches or action units.

    Attributes:
        net, discriminator: what the optimisers change; no discriminator without `lambda_adv`.
        average: of the net's weights, which is validated and kept.
        optimizers: "net", and "discriminator" if there is one.
    """

    def __init__(
        self,
        config: Config,
        weights: Tensor,
        accelerator: Accelerator,
        features: nn.Module | None = None,
        start: System | None = None,
    ) -> None:
        self.config, self._accelerator = config.train, accelerator
        device = accelerator.device
        torch.manual_seed(config.train.seed)
        net = build_model(config.net)
        if start is not None:
            _begin(net, start)
        self.net: System = _placed(net, device)
        self.average = Average(self.net, config.train.average)
        self.discriminator: Discriminator | LightCNN | None = None
        if config.train.lambda_adv:
            kind = LightCNN if config.train.discriminator == "lightcnn" else Discriminator
            self.discriminator = _placed(kind(config.train.discriminator_width), device)
        self._features = None if features is None else _placed(features, device).requires_grad_(False)
        self._weights = weights.to(device)
        if config.train.recompute:
            if not isinstance(self.net, MPENet):
                raise UserError(f"train.recompute=True, but {config.net.system} has no such steps", "leave it out")
            recompute_parts(self.net)
        if config.train.compile:
            self.net.compile()
        self.optimizers = {
            name: Adam(_groups(network, config.train.last_layer), config.train.lr, fused=device.type in ("cpu", "cuda"))
            for name, network in self.networks().items()
        }
        self._model = accelerator.prepare(self.net)
        self._graphed: Callable[[Tensor], MPEOutput] | None = None
        self._judge = None if self.discriminator is None else accelerator.prepare(self.discriminator)
        self._buffers = list(self.net.buffers())  # batch norm's statistics, which every pass moves
        self._good = [buffer.clone() for buffer in self._buffers]

    def networks(self) -> dict[str, nn.Module]:
        """Those that an optimiser changes."""
        both = {"net": self.net, "discriminator": self.discriminator}
        return {name: network for name, network in both.items() if network is not None}

    def update(self, batch: Sample, number: int, *, measure: bool = False) -> Step:
        """Update 1, 2, ...: one step of each optimiser, or none if a gradient is not finite.

        Args:
            batch: of this process.
            number: of the update, which decides the learning rate.
            measure: the gradient shares of the loss terms too, for which each is followed back on its own.
        """
        _copy(self._buffers, self._good)
        for optimizer in self.optimizers.values():
            for group, factor in zip(optimizer.param_groups, (1.0, self.config.last_layer), strict=False):
                group["lr"] = factor * learning_rate(number, self.config)
            optimizer.zero_grad()
        output = self._answer(batch.hr if isinstance(self.net, Judge) else batch.lr, once=not measure)
        if self.discriminator is not None:
            self.discriminator.requires_grad_(False)  # here it judges, below it learns
        terms = mpe_loss(
            output,
            batch,
            self._weights,
            self.config,
            features=self._reading(self._features),
            discriminator=self._reading(self.discriminator),
        )
        shares = gradient_shares(terms.weighted(self.config), branches(self.net)) if measure else None
        self._backward(terms.total)
        if self._judge is not None:
            terms = terms._replace(dis=self._teach_to_judge(batch.hr, output.sr[-1].detach()))
        terms = terms._replace(**{name: term.detach() for name, term in terms.known().items()})
        return Step(terms, self._step(terms), shares)

    def _teach_to_judge(self, real: Tensor, fake: Tensor) -> Tensor:
        """The discriminator's loss, after its way back."""
        assert self.discriminator is not None
        self.discriminator.requires_grad_(True)
        logits = self._reading(self._judge)
        assert logits is not None
        loss = discriminator_loss(*logits(torch.cat([real, fake])).chunk(2))
        self._backward(loss)
        return loss

    def _backward(self, loss: Tensor) -> None:
        """One that is not finite may have a gradient that is: not here, so that all processes see it in the sum."""
        self._accelerator.backward(loss * torch.where(loss.isfinite(), 1.0, torch.nan))

    def _step(self, terms: LossTerms) -> str | None:
        """Step by the gradients, which are the same in every process, unless one of them is not finite."""
        for name, network in self.networks().items():
            norm = nn.utils.clip_grad_norm_(network.parameters(), self.config.clip or math.inf)
            if not norm.isfinite():
                _copy(self._good, self._buffers)
                wrong = [f"L_{term}" for term, value in terms.known().items() if not value.isfinite()]
                return f"{wrong[-1] if wrong else f'the gradient of the {name}'} is not finite"
        for optimizer in self.optimizers.values():
            optimizer.step()
        self.average.follow()
        return None

    def _answer(self, picture: Tensor, *, once: bool) -> MPEOutput:
        """What the network makes of a batch, to be followed back once or several times."""
        one_gpu = self._accelerator.device.type == "cuda" and self._accelerator.num_processes == 1
        if not (self.config.graph and one_gpu and once):
            return self._autocast(self._model, picture)
        picture = picture.contiguous(memory_format=torch.channels_last)
        if self._graphed is None:
            self._graphed = graphed(self.net, picture, bf16=self.config.precision == "bf16")
            _copy(self._good, self._buffers)
        return self._graphed(picture)

    def _reading(self, network: nn.Module | None) -> Callable[[Tensor], Tensor] | None:
        """The network in the training's precision, its answer in single."""
        return None if network is None else lambda picture: self._autocast(network, picture).float()

    def _autocast(self, network: nn.Module, picture: Tensor) -> Any:
        bf16 = self.config.precision == "bf16"
        with torch.autocast(self._accelerator.device.type, torch.bfloat16, enabled=bf16):
            return network(picture.contiguous(memory_format=torch.channels_last))


def learning_rate(update: int, config: TrainConfig) -> float:
    """The rate of update 1, 2, ...: a linear rise over `warmup`, then constant or half a cosine down to zero.

    After each share of the updates that `halve_at` names, it is halved.
    """
    if update <= config.warmup:
        return config.lr * update / config.warmup
    lr = config.lr * 0.5 ** sum(update > share * config.updates for share in config.halve_at)
    if config.schedule == "constant":
        return lr
    done = (update - config.warmup) / max(config.updates - config.warmup, 1)
    return lr * (1 + math.cos(math.pi * min(done, 1))) / 2


def branches(net: System) -> dict[str, list[nn.Parameter]]:
    """The parameters of the branches that learn (Fig. 1): "sr", "align" and "au", as far as there are such."""
    named = {"align": getattr(net, "align", None), "au": getattr(net, "detect", None)}
    found = {name: learnt(part) for name, part in named.items() if part is not None}
    others = {id(parameter) for parameters in found.values() for parameter in parameters}
    found = {"sr": [parameter for parameter in learnt(net) if id(parameter) not in others]} | found
    return {name: parameters for name, parameters in found.items() if parameters}


def learnt(network: nn.Module) -> list[nn.Parameter]:
    """The parameters that are not constants."""
    return [parameter for parameter in network.parameters() if parameter.requires_grad]


def gradient_shares(terms: Mapping[str, Tensor], parts: Mapping[str, Sequence[nn.Parameter]]) -> Shares:
    """By part and term, the norm of the term's gradient in that part over the sum of these norms.

    Args:
        terms: scalars, each with its weight; the graph behind them is kept.
        parts: parameters of each part.

    Returns:
        Shares that add up to 1 for each part, or are all 0 where nothing reaches it.
    """
    norms: dict[str, dict[str, float]] = {part: {} for part in parts}
    everything = [parameter for parameters in parts.values() for parameter in parameters]
    for name, term in terms.items():
        gradients = iter(
            torch.autograd.grad(term, everything, retain_graph=True, allow_unused=True)
            if term.requires_grad
            else [None] * len(everything)
        )
        for part, parameters in parts.items():
            squares = [(g.float() ** 2).sum() for g in (next(gradients) for _ in parameters) if g is not None]
            norms[part][name] = math.sqrt(sum(squares, torch.zeros(())).item())
    return {
        part: {name: norm / (sum(by_term.values()) or 1.0) for name, norm in by_term.items()}
        for part, by_term in norms.items()
    }


def _begin(net: System, start: System) -> None:
    """Raises UserError: `start` is of another system, or of another size."""
    if isinstance(net, MPENet) and isinstance(start, MPENet):
        begin_as(net, start)
        return
    ours, theirs = (replace(each.config, face_scale=1.0) for each in (net, start))
    if ours != theirs:
        raise UserError(
            f"the weights to start with are of {start.config.system}, which is not the same network",
            "choose the preset that they were made by",
        )
    net.load_state_dict(start.state_dict())


def _groups(network: nn.Module, last_layer: float) -> list[dict[str, Any]]:
    """What Adam changes; the last layer is a group of its own if its rate is another."""
    parameters = learnt(network)
    if last_layer == 1:
        return [{"params": parameters}]
    last = [module for module in network.modules() if isinstance(module, nn.Conv2d)][-1]
    of_last = {id(parameter) for parameter in last.parameters()}
    return [{"params": [each for each in parameters if (id(each) in of_last) is inside]} for inside in (False, True)]


def _placed(network: Network, device: torch.device) -> Network:
    """On the device, channels last, which CPUs and GPUs are faster with."""
    return network.to(device=device, memory_format=torch.channels_last)  # pyright: ignore


def _copy(sources: list[Tensor], targets: list[Tensor]) -> None:
    """All of them at once: one by one they would be hundreds of launches on a GPU."""
    if sources:  # SRCNN has no buffers
        torch._foreach_copy_(targets, sources)  # pyright: ignore[reportPrivateImportUsage, reportPrivateUsage]
