"""What Codespaces and VS Code read of .devcontainer/ agrees with the Makefile and pyproject.toml."""

import json
import re
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


def configured(monkeypatch: pytest.MonkeyPatch, **environment: str) -> Config:
    """Jupyter's settings, where the environment has these variables."""
    monkeypatch.delenv("CODESPACE_NAME", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    folder = ROOT / CONTAINER["remoteEnv"]["JUPYTER_CONFIG_PATH"].removeprefix(WORKSPACE)
    config = Config()
    exec((folder / "jupyter_server_config.py").read_text(encoding="utf-8"), {"c": config})
    return config


def test_jupyterlab_answers_at_the_addresses_of_the_codespace_only(monkeypatch: pytest.MonkeyPatch) -> None:
    assert configured(monkeypatch) == {}
    domain = "GITHUB_CODESPACES_PORT_FORWARDING_DOMAIN"
    config = configured(monkeypatch, CODESPACE_NAME="octocat-abc", **{domain: "app.github.dev"})
    assert config.keys() == {"ServerApp"}
    assert config.ServerApp.keys() == {"allow_origin_pat"}
    pattern = re.compile(config.ServerApp.allow_origin_pat)
    assert pattern.match("https://octocat-abc-40123.app.github.dev")
    for other in ("abd-40123.app.github.dev", "abc-40123.app.github.dev.org", "abc-40123.app-github.dev"):
        assert not pattern.match(f"https://octocat-{other}")
