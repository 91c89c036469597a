"""A config is right when it is made; a slip is told in one line, with its remedy."""

import dataclasses
import json
import math
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mpe_lib.config import AU_SETS, PRESETS, Config, NetConfig, TrainConfig, preset
from mpe_lib.errors import UserError

# ---- presets


@pytest.mark.parametrize(
    ("name", "channels", "groups", "body_scale", "hourglass_width", "au_width"),
    [
        ("tiny", 16, 3, 4, 32, 0.25),
        ("small", 32, 4, 4, 64, 0.5),
        ("base", 48, 6, 4, 128, 1.0),
        ("paper", 48, 6, 8, 256, 1.0),
    ],
)
def test_a_preset_names_a_network(
    name: str, channels: int, groups: int, body_scale: int, hourglass_width: int, au_width: float
) -> None:
    net = preset(name).net
    assert (net.channels, net.groups, net.body_scale) == (channels, groups, body_scale)
    assert (net.hourglass_width, net.au_width) == (hourglass_width, au_width)
    assert net.iterations == 3
    assert net.use_landmarks
    assert net.use_aus
    assert net.use_attention


def test_the_paper_is_trained_as_it_says() -> None:
    train = preset("paper").train
    assert (train.lr, train.batch, train.schedule, train.warmup, train.average) == (1e-4, 4, "constant", 0, 0.0)
    assert (train.lambda_align, train.lambda_au) == (0.1, 0.01)


@pytest.mark.parametrize("name", ["paper", "mpegan", "srcnn", "vdsr", "wavelet", "srfbn", "dic", "dicgan", "sisn"])
def test_no_published_system_is_trained_on_faces_of_several_sizes(name: str) -> None:
    assert preset(name).train.scale_jitter == 0


def test_the_action_units_of_both_data_sets() -> None:
    assert AU_SETS["bp4d"] == (1, 2, 4, 6, 7, 10, 12, 14, 15, 17, 23, 24)
    assert AU_SETS["disfa"] == (1, 2, 4, 6, 9, 12, 25, 26)
    assert preset("paper").net.aus == AU_SETS["bp4d"]


@pytest.mark.parametrize(
    ("name", "told"),
    [("smal", "unknown preset 'smal'; did you mean small or "), ("x", "known: tiny, small, base, paper, mpegan")],
)
def test_an_unknown_preset_is_told_with_the_near_misses(name: str, told: str) -> None:
    with pytest.raises(UserError) as error:
        preset(name)
    assert told in str(error.value)


# ---- fields set by name


@pytest.mark.parametrize(
    ("path", "text", "value"),
    [
        ("train.lr", "2e-4", 2e-4),
        ("train.lr", ".5", 0.5),
        ("train.lr", "1", 1.0),
        ("train.batch", "8", 8),
        ("train.schedule", "cosine", "cosine"),
        ("net.body_scale", "8", 8),
        ("net.init", "paper", "paper"),
        ("net.carry_landmarks", "True", True),
        ("net.use_attention", "false", False),
        ("net.aus", "bp4d", AU_SETS["bp4d"]),
        ("net.aus", "1,2,4", (1, 2, 4)),
        ("net.aus", "12", (12,)),
        ("train.halve_at", ".5,.75", (0.5, 0.75)),
        ("train.halve_at", "", ()),
    ],
)
def test_text_is_read_as_the_type_of_its_field(path: str, text: str, value: object) -> None:
    changed = preset("tiny").replace({path: text})
    part, name = path.split(".")
    found = getattr(getattr(changed, part), name)
    assert found == value
    assert type(found) is type(value)


def test_what_is_not_named_stays() -> None:
    tiny = preset("tiny")
    changed = tiny.replace({"train.lr": 2e-4, "net.groups": 2})
    assert changed.net == dataclasses.replace(tiny.net, groups=2)
    assert changed.train == dataclasses.replace(tiny.train, lr=2e-4)
    assert tiny == PRESETS["tiny"]
    assert tiny.net.groups == 3


def test_a_config_cannot_be_changed_in_place() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        preset("tiny").net.groups = 2  # type: ignore[misc]


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("net.chanels", "did you mean net.channels"),
        ("train.update", "did you mean train.updates"),
        ("net.lr", "train.lr"),
        ("lr", "known: net.channels, "),
    ],
)
def test_an_unknown_field_is_told_with_the_near_misses(path: str, told: str) -> None:
    with pytest.raises(UserError, match=f"unknown field '{path}'") as error:
        Config().replace({path: "1"})
    assert told in str(error.value)


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        ("train.lr", "fast", "'fast' is not a float"),
        ("train.lr", float("nan"), "nan is not a float"),
        ("train.lr", True, "True is not a float"),
        ("train.batch", "2.5", "2.5 is not a int"),
        ("train.batch", "", "'' is not a int"),
        ("train.batch", None, "None is not a int"),
        ("net.channels", True, "True is not a int"),
        ("net.use_aus", "1", "1 is not a bool"),
        ("net.use_aus", "no", "'no' is not a bool"),
        ("net.body_scale", "3", "3 is not a choice; one of 2, 4, 8"),
        ("net.body_scale", True, "True is not a choice"),
        ("train.schedule", "linear", "'linear' is not a choice; one of constant, cosine"),
        ("train.precision", "fp16", "one of fp32, bf16"),
        ("net.aus", "smile", "names no action units"),
        ("net.aus", "1,x", "names no action units"),
        ("net.aus", 12, "names no action units"),
        ("train.updates", 0, "=0 is below 1; for example --set train.updates=50000"),
        ("train.lr", -1e-4, "=-0.0001 is below 0; for example --set train.lr=0.0001"),
        ("train.average", 1.0, "=1.0 is not below 1; for example --set train.average=0.0"),
        ("train.halve_at", "half", "names no shares of the updates"),
        ("train.halve_at", ".5,1", "names no shares of the updates; numbers as in --set train.halve_at=.5,.75"),
    ],
)
def test_a_value_that_does_not_fit_is_told(path: str, value: object, told: str) -> None:
    with pytest.raises(UserError) as error:
        Config().replace({path: value})
    assert str(error.value).startswith(f"{path}={value}" if isinstance(value, float) else path)
    assert told in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("name", "changes", "told"),
    [
        ("sisn", {"net.channels": 6}, "net.channels=6 is no multiple of net.radix=4; as in net.channels=8"),
        ("srcnn", {"net.width": 1}, "net.width=1 is below 2; for example --set net.width=64"),
    ],
)
def test_sizes_that_give_no_network_are_told(name: str, changes: dict[str, int], told: str) -> None:
    with pytest.raises(UserError, match=re.escape(told)):
        preset(name).replace(changes)


# ---- what goes together

ABLATIONS = {
    "baseline": {"use_landmarks": False, "use_aus": False, "use_attention": False},
    "+landmarks": {"use_aus": False, "use_attention": False},
    "+AUs": {"use_landmarks": False, "use_attention": False},
    "+landmarks +AUs": {"use_attention": False},
    "+landmarks +AUs +attention maps": {},
}
NEEDS = {"baseline": 1, "+landmarks": 2, "+AUs": 3, "+landmarks +AUs": 3, "+landmarks +AUs +attention maps": 3}


@pytest.mark.parametrize("row", ABLATIONS)
def test_each_ablation_needs_as_many_steps_as_its_priors(row: str) -> None:
    assert NetConfig(iterations=NEEDS[row], **ABLATIONS[row]).iterations == NEEDS[row]  # type: ignore[arg-type]
    with pytest.raises(UserError, match=f"too few.*use at least {NEEDS[row]}"):
        NetConfig(iterations=NEEDS[row] - 1, **ABLATIONS[row])  # type: ignore[arg-type]


@pytest.mark.parametrize("off", ["use_aus", "use_landmarks"])
def test_attention_needs_aus_and_landmarks(off: str) -> None:
    with pytest.raises(UserError, match=r"use_attention=True needs the AUs.*and the landmarks"):
        Config().replace({f"net.{off}": False})


def test_landmarks_cannot_be_carried_where_there_are_none() -> None:
    with pytest.raises(UserError, match="carry_landmarks=True needs landmarks"):
        NetConfig(use_landmarks=False, use_attention=False, carry_landmarks=True)


@pytest.mark.parametrize("aus", [(), (1, 2, 1)])
def test_each_action_unit_is_named_once(aus: tuple[int, ...]) -> None:
    with pytest.raises(UserError, match="at least one action unit, each once"):
        NetConfig(aus=aus)
    assert NetConfig(aus=aus, use_aus=False, use_attention=False).aus == aus  # not used: not looked at


# ---- to plain types and back

POSITIVE = st.floats(0, 1e6)
SWITCHES = st.sampled_from(list(ABLATIONS.values()))
NETS = st.builds(
    lambda switches, **fields: NetConfig(**fields, **switches),
    SWITCHES,
    channels=st.integers(1, 512),
    groups=st.integers(1, 12),
    body_scale=st.sampled_from([2, 4, 8]),
    iterations=st.integers(3, 9),
    au_width=st.floats(0.02, 4),
    aus=st.lists(st.sampled_from(AU_SETS["bp4d"]), min_size=1, unique=True).map(tuple),
    detach_priors=st.booleans(),
    init=st.sampled_from(["zero", "paper"]),
)
TRAININGS = st.builds(
    TrainConfig,
    updates=st.integers(1, 10**6),
    lr=POSITIVE,
    schedule=st.sampled_from(["constant", "cosine"]),
    average=st.floats(0, 0.999),
    precision=st.sampled_from(["fp32", "bf16"]),
    seed=st.integers(0, 2**63 - 1),
)
CONFIGS = st.builds(Config, NETS, TRAININGS)


@given(CONFIGS)
def test_a_config_survives_json(config: Config) -> None:
    assert Config.from_dict(json.loads(json.dumps(config.to_dict()))) == config


@given(CONFIGS)
def test_a_config_survives_text(config: Config) -> None:
    text = {
        f"{part}.{name}": ",".join(map(str, value)) if isinstance(value, list) else str(value)
        for part, fields in config.to_dict().items()
        for name, value in fields.items()
        if name != "system"
    }
    assert Config().replace(text) == config


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_survives_json(name: str) -> None:
    assert Config.from_dict(json.loads(json.dumps(preset(name).to_dict()))) == preset(name)


def test_absent_fields_take_their_defaults() -> None:
    assert Config.from_dict({}) == Config()
    assert Config.from_dict({"net": {"groups": 2}}) == Config(NetConfig(groups=2))


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ([1, 2], "[1, 2] is no config; a table with the parts net and train"),
        ({"nets": {}}, "'nets' is no part of a config"),
        ({"net": 3}, "'net' is no part of a config"),
        ({"net": {"chanels": 3}}, "did you mean net.channels"),
        ({"train": {"lr": "fast"}}, "is not a float"),
        ({"train": {"lr": math.inf}}, "is not a float"),
    ],
)
def test_what_is_no_config_is_told(values: Any, told: str) -> None:
    with pytest.raises(UserError) as error:
        Config.from_dict(values)
    assert told in str(error.value)


def test_a_choice_is_checked_without_a_table_too() -> None:
    with pytest.raises(UserError, match=r"net\.body_scale=3 is not a choice; one of 2, 4, 8"):
        NetConfig(body_scale=3)  # type: ignore[arg-type]
    with pytest.raises(UserError, match=r"train\.precision='fp8' is not a choice; one of fp32, bf16"):
        TrainConfig(precision="fp8")  # type: ignore[arg-type]


def test_the_known_action_units_are_those_with_a_place_on_the_face() -> None:
    from mpe_lib.au import CATALOGUE
    from mpe_lib.config import AUS

    assert tuple(au for au, unit in CATALOGUE.items() if unit.centres) == AUS
    with pytest.raises(UserError, match="AU99 has no place"):
        Config().replace({"net.aus": "1,99"})
