"""Pictures of networks show what went through them."""

import pytest
from matplotlib.figure import Figure

from mpe_lib import diagram
from mpe_lib.config import ABLATIONS, preset
from mpe_lib.nets import MPENet


def texts(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.axes[0].texts]


def test_trace_gives_every_call_of_every_part() -> None:
    net = MPENet(preset("tiny").net)
    shapes = diagram.trace(net)
    c, aus = net.config.channels, len(net.config.aus)
    assert shapes == {
        "extract": [(c, 32, 32)],
        "perb": [(c, 32, 32)] * 3,
        "reconstruct": [(3, 128, 128)] * 3,
        "align": [(68, 32, 32)] * 2,
        "detect": [(aus,)],
    }
    assert not any(part._forward_hooks for part in net.modules())  # nothing is left behind


@pytest.mark.parametrize("name", ABLATIONS)
def test_a_diagram_has_the_branches_that_the_network_has(name: str) -> None:
    net = MPENet(preset("tiny").replace(ABLATIONS[name]).net)
    said = "\n".join(texts(diagram.mpenet(net)))
    assert ("alignment" in said) == net.config.use_landmarks
    assert ("ResNet-18" in said) == net.config.use_aus
    assert ("x attention" in said) == net.config.use_attention
    for step, fusion in enumerate(net.perb.fusions, 1):
        assert f"fusion {step}\n{fusion[0].in_channels} channels in" in said


def test_an_unrolled_block_shows_its_shapes() -> None:
    said = texts(diagram.unrolled([(16, 32, 32)] * 3, [(16, 128, 128)] * 2))
    assert [text for text in said if text.endswith("\n16 x 32 x 32")] == [f"$L_{i}$\n16 x 32 x 32" for i in range(3)]
    assert [text for text in said if text.endswith("128")] == [f"$H_{i}$\n16 x 128 x 128" for i in (1, 2)]
