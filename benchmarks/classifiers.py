"""Small networks that learn within minutes what there is to be seen in pictures."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

BATCH = 32


def told_apart(known: tuple[Tensor, Tensor], new: tuple[Tensor, Tensor]) -> float:
    """How well two kinds of pictures can be told apart.

    The share of the new ones whose kind is told rightly by a network that has learnt from the known ones; each
    (n, 3, h, w).
    """
    torch.manual_seed(0)
    net = learnt(six_convolutions(), torch.cat(known), _first(known), epochs=25)
    return ((answers(net, torch.cat(new)) > 0) == _first(new).bool()).float().mean().item()


def learnt(net: nn.Module, pictures: Tensor, labels: Tensor, epochs: int) -> nn.Module:
    """A network that answers with a logit for each label (n, labels)."""
    mean, deviation = (f(pictures, (0, 2, 3), keepdim=True)[0] for f in (torch.mean, torch.std))
    net = nn.Sequential(Standardised(mean, deviation), net).train()
    optimizer = torch.optim.AdamW(net.parameters(), weight_decay=0.05)
    steps = len(pictures) // BATCH
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 4e-3, epochs * steps)
    for _ in range(epochs):
        for chosen in torch.randperm(len(pictures))[: steps * BATCH].split(BATCH):
            x = pictures[chosen]
            x = torch.where(torch.rand(len(x), 1, 1, 1) < 0.5, x, x.flip(-1))
            loss = F.binary_cross_entropy_with_logits(net(x), labels[chosen])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    return net.eval()


def answers(net: nn.Module, pictures: Tensor) -> Tensor:
    """Logits (n, labels)."""
    with torch.inference_mode():
        return torch.cat([net(part) for part in pictures.split(64)])


class Standardised(nn.Module):
    """Each channel less its mean, in deviations."""

    def __init__(self, mean: Tensor, deviation: Tensor) -> None:
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("deviation", deviation)

    def forward(self, x: Tensor) -> Tensor:
        return (x - self.mean) / self.deviation


def six_convolutions() -> nn.Sequential:
    """And a mean."""
    widths = ((3, 32, 1), (32, 32, 1), (32, 64, 2), (64, 64, 1), (64, 128, 2), (128, 128, 1))
    body = [nn.Sequential(nn.Conv2d(a, b, 3, stride, 1), nn.BatchNorm2d(b), nn.ReLU()) for a, b, stride in widths]
    return nn.Sequential(*body, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.3), nn.Linear(128, 1))


def _first(kinds: tuple[Tensor, Tensor]) -> Tensor:
    """1 for each of the first kind (n, 1)."""
    return torch.cat([torch.ones(len(kinds[0]), 1), torch.zeros(len(kinds[1]), 1)])
