"""What SECURITY.md promises, where no other test holds it."""

import ast
import re
import tempfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import nbformat
import pytest
import serve
from IPython.core.inputtransformer2 import TransformerManager
from PIL import Image

from mpe_lib.faces.astronaut import astronaut

ROOT = Path(__file__).parents[1]
POLICY = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
UNPICKLING = {"pickle", "cloudpickle", "dill", "joblib", "marshal", "shelve"}
# of yaml
SAFE = {"safe_load", "safe_dump", "parse", "YAMLError", "AliasEvent", "CollectionStartEvent", "CollectionEndEvent"}


def programs() -> Iterator[tuple[str, str]]:
    """Every module, tool, benchmark and notebook, by its name."""
    for folder in ("mpe_lib", "tools", "benchmarks", "docs", ".devcontainer"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield str(path.relative_to(ROOT)), path.read_text(encoding="utf-8")
    for path in sorted((ROOT / "notebooks").rglob("*.ipynb")):
        code = [cell.source for cell in nbformat.read(path, 4).cells if cell.cell_type == "code"]
        yield str(path.relative_to(ROOT)), TransformerManager().transform_cell("\n".join(code))


def running(source: str) -> Iterator[str]:
    """What in a program reads a file in a way that may run what is in it."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name for alias in node.names]
            if isinstance(node, ast.ImportFrom):
                names.append(node.module or "")
            yield from (name for name in names if name.partition(".")[0] in UNPICKLING)
            if isinstance(node, ast.ImportFrom) and node.module in ("torch", "numpy") and "load" in names:
                yield f"load of {node.module}"
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "yaml":
            yield from {f"yaml.{node.attr}"} - {f"yaml.{name}" for name in SAFE}
        if isinstance(node, ast.Call):
            called, given = ast.unparse(node.func), {each.arg: ast.unparse(each.value) for each in node.keywords}
            if called == "torch.load" and given.get("weights_only") != "True":
                yield "torch.load"
            if called in ("np.load", "numpy.load") and (node.args[1:] or given.get("allow_pickle", "False") != "False"):
                yield called
            if called in ("eval", "exec", "os.system") or called.endswith(".read_pickle"):
                yield called
            if given.get("shell") == "True":
                yield f"{called} with a shell"


def test_nothing_that_is_read_can_run_code() -> None:
    found = {name: list(running(source)) for name, source in programs()}
    assert len(found) > 150
    assert {name: what for name, what in found.items() if what} == {}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("torch.load(path)", ["torch.load"]),
        ("torch.load(path, weights_only=False)", ["torch.load"]),
        ("torch.load(path, weights_only=True)", []),
        ("import pickle", ["pickle"]),
        ("from pickle import loads", ["pickle"]),
        ("import multiprocessing, joblib", ["joblib"]),
        ("yaml.load(text, yaml.Loader)", ["yaml.load", "yaml.Loader"]),
        ("yaml.safe_load(text)", []),
        ("np.load(path)", []),
        ("np.load(path, allow_pickle=True)", ["np.load"]),
        ("np.load(path, None, True)", ["np.load"]),
        ("from torch import load", ["load of torch"]),
        ("pandas.read_pickle(path)", ["pandas.read_pickle"]),
        ("eval(text)", ["eval"]),
        ("net.eval()", []),
        ("os.system(text)", ["os.system"]),
        ("subprocess.run(command, shell=True)", ["subprocess.run with a shell"]),
    ],
)
def test_it_would_be_seen(source: str, expected: list[str]) -> None:
    assert list(running(source)) == expected


# ---- servers


@pytest.fixture
def options(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> list[str]:
    """What a server is started with."""
    started: list[str] = []
    monkeypatch.setattr(serve, "launch", lambda _, options, further: started.extend(options))
    for name in ("JUPYTER_CONFIG_PATH", "JUPYTER_PATH"):
        monkeypatch.setenv(name, "")
    {"lab": serve.lab, "app": serve.app}[request.param](8888, "secret", [])
    return started


@pytest.mark.parametrize("options", ["lab", "app"], indirect=True)
def test_servers_listen_on_this_machine_and_ask_for_a_token(options: list[str]) -> None:
    assert [option.partition("=")[2] for option in options if ".ip=" in option] == ["127.0.0.1"]
    assert {"--IdentityProvider.token=secret", "--Voila.token=secret"} & {*options}


@pytest.mark.parametrize("options", ["app"], indirect=True)
def test_messages_are_limited_and_idle_processes_end(options: list[str]) -> None:
    assert f"--Voila.tornado_settings={{'websocket_max_message_size': {64 * 2**20}}}" in options
    assert "--MappingKernelManager.cull_idle_timeout=600" in options


def test_each_start_has_another_token(monkeypatch: pytest.MonkeyPatch) -> None:
    tokens: set[str] = set()
    monkeypatch.setattr(serve, "app", lambda port, token, further: tokens.add(token))
    monkeypatch.setattr("sys.argv", ["serve.py", "app"])
    for _ in range(3):
        serve.main()
    assert len(tokens) == 3
    assert min(map(len, tokens)) >= 20


def test_an_upload_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mpe_lib.playground import Playground
    from mpe_lib.playground.controls import UPLOAD

    page: Any = Playground("srcnn-small")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr("pooch.os_cache", lambda _: tmp_path / "cache")
    photograph = BytesIO()
    Image.fromarray(astronaut()).save(photograph, format="PNG")
    page.face.source.value = UPLOAD
    page.face.upload.value = (upload(photograph.getvalue()),)
    assert "me.png" in page._last[0]
    assert list(tmp_path.iterdir()) == []


def test_an_upload_of_too_many_pixels_is_refused() -> None:
    from mpe_lib.playground import Playground
    from mpe_lib.playground.controls import UPLOAD

    page: Any = Playground("srcnn-small")
    bomb = BytesIO()
    Image.new("1", (10_000, 5_001)).save(bomb, format="PNG")
    page.face.source.value = UPLOAD
    page.face.upload.value = (upload(bomb.getvalue()),)
    assert "me.png has more than 50 megapixels; shrink it first" in page.said.value


def upload(content: bytes) -> dict[str, Any]:
    """As a browser sends it."""
    from datetime import datetime

    told = SimpleNamespace(name="me.png", type="image/png", size=len(content), last_modified=datetime.now())
    return vars(told) | {"content": memoryview(content)}


# ---- the policy


def test_the_tests_that_the_policy_names_are_there() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", POLICY)
    assert len(named) > 15
    texts = {file: (ROOT / file).read_text(encoding="utf-8") for file, _ in named}
    gone = [f"{file}::{test}" for file, test in named if test and f"def {test}(" not in texts[file]]
    assert gone == []


def test_holes_are_reported_privately_where_the_project_is_kept() -> None:
    from lessons import address

    assert f"({address()}/security/advisories/new)" in POLICY
    assert "@" not in POLICY
