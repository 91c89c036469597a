"""What Codespaces and VS Code read of .devcontainer/ agrees with the Makefile and pyproject.toml."""

import json
import subprocess
from pathlib import Path

import pytest
from environments import oldest_python
from traitlets.config import Config

ROOT = Path(__file__).resolve().parents[1]
CONTAINER = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text(encoding="utf-8"))
WORKSPACE = "${containerWorkspaceFolder}/"


def make_would_do(*command: str) -> str:
    done = subprocess.run(["make", "--always-make", "-n", *command], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_python_is_the_oldest_that_the_package_takes() -> None:
    assert CONTAINER["image"] == f"mcr.microsoft.com/devcontainers/python:{oldest_python()}"


def test_it_makes_the_environment_that_it_uses() -> None:
    make, target = CONTAINER["postCreateCommand"].split()
    assert make == "make"
    assert "python3 -m venv .venv\n" in make_would_do(target)
    interpreter = CONTAINER["customizations"]["vscode"]["settings"]["python.defaultInterpreterPath"]
    assert interpreter == WORKSPACE + ".venv/bin/python"


def test_jupyterlab_answers_at_the_address_of_the_codespace_only(monkeypatch: pytest.MonkeyPatch) -> None:
    assert CONTAINER["forwardPorts"] == [8888]
    assert "jupyter lab notebooks\n" in make_would_do("lab")  # at Jupyter's own port, 8888
    folder = ROOT / CONTAINER["remoteEnv"]["JUPYTER_CONFIG_PATH"].removeprefix(WORKSPACE)
    source = (folder / "jupyter_server_config.py").read_text(encoding="utf-8")
    elsewhere, codespace = Config(), Config()
    monkeypatch.delenv("CODESPACE_NAME", raising=False)
    exec(source, {"c": elsewhere})
    assert elsewhere == {}
    monkeypatch.setenv("CODESPACE_NAME", "octocat-abc")
    monkeypatch.setenv("GITHUB_CODESPACES_PORT_FORWARDING_DOMAIN", "app.github.dev")
    exec(source, {"c": codespace})
    assert codespace == {"ServerApp": {"allow_origin": "https://octocat-abc-8888.app.github.dev"}}
