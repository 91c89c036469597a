"""ResNet-18 (He et al. 2016), the AU detection branch; its state-dict keys are torchvision's."""

from torch import Tensor, nn


class BasicBlock(nn.Module):
    """Two 3x3 convs and a skip; the first conv may halve the side."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.stride = stride
        self.downsample: nn.Module | None = None
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs, H, W) -> (N, outputs, H / stride, W / stride)."""
        skip = x
        if self.downsample is not None:
            # the stride by a slice: of a 1x1 conv with few inputs, its gradient crashes on some CPUs (oneDNN #6035)
            skip = self.downsample(x[:, :, :: self.stride, :: self.stride])
        y = self.relu(self.bn1(self.conv1(x)))
        return self.relu(self.bn2(self.conv2(y)) + skip)


class ResNet18(nn.Module):
    """A picture to `outputs` logits; 11,182,668 parameters at full width with 12 outputs.

    Args:
        outputs: number of logits, one for each action unit.
        width: multiplies the channels 64, 128, 256, 512.
    """

    def __init__(self, outputs: int, width: float = 1.0) -> None:
        super().__init__()
        a, b, c, d = (round(width * channels) for channels in (64, 128, 256, 512))
        self.conv1 = nn.Conv2d(3, a, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(a)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        self.layer1 = nn.Sequential(BasicBlock(a, a, 1), BasicBlock(a, a, 1))
        self.layer2 = nn.Sequential(BasicBlock(a, b, 2), BasicBlock(b, b, 1))
        self.layer3 = nn.Sequential(BasicBlock(b, c, 2), BasicBlock(c, c, 1))
        self.layer4 = nn.Sequential(BasicBlock(c, d, 2), BasicBlock(d, d, 1))
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(d, outputs)

    def forward(self, picture: Tensor) -> Tensor:
        """(N, 3, 128, 128), mean subtracted -> (N, outputs)."""
        x = self.maxpool(self.relu(self.bn1(self.conv1(picture))))  # (N, 64, 32, 32)
        x = self.layer1(x)  # (N, 64, 32, 32)
        x = self.layer2(x)  # (N, 128, 16, 16)
        x = self.layer3(x)  # (N, 256, 8, 8)
        x = self.layer4(x)  # (N, 512, 4, 4)
        return self.fc(self.avgpool(x).flatten(1))
