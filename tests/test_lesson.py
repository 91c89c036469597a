"""What a notebook begins with."""

import socket

import matplotlib as mpl
import pytest
import torch

from mpe_lib import lesson
from mpe_lib.errors import UserError


@pytest.mark.parametrize("name", ["smoke", "lesson", "full"])
def test_the_profile_is_what_the_environment_says(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MPE_PROFILE", name)
    assert lesson.profile() == name


def test_without_a_word_it_is_a_lesson(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MPE_PROFILE", raising=False)
    assert lesson.profile() == "lesson"


def test_an_unknown_profile_is_told_with_the_nearest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MPE_PROFILE", "smoky")
    with pytest.raises(UserError, match=r"MPE_PROFILE=smoky is no profile; did you mean smoke\?"):
        lesson.profile()


def test_a_lesson_starts_with_the_same_random_numbers_outside_of_a_notebook_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("mpe_lib.memory.keep_freed_memory", lambda: None)  # it would for the tests that follow
    with mpl.rc_context():
        lesson.start()
        first = torch.rand(3)
        lesson.start()
        assert torch.equal(torch.rand(3), first)


def test_a_free_port_can_be_listened_on() -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", int(lesson.free_port())))
