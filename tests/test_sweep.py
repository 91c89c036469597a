"""A grid of notebooks runs on several workers, goes on where it was, and loses nothing with a worker."""

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import Any

import nbformat
import pytest
import yaml
from distributed import Client

from mpe_lib.cli import main
from mpe_lib.cluster import Ran, local_cluster, run_sweep
from mpe_lib.errors import UserError
from mpe_lib.sweep import Cell, read_sweep

CODE = """
import json, os, time
from pathlib import Path

folder = Path(output)
with (folder / "attempts.txt").open("a") as file:
    file.write(f"{os.getpid()}\\n")
while (folder / "wait").exists():
    time.sleep(0.05)
if name == "broken":
    raise ValueError("no such\\nthing")
if name == "dies":
    os._exit(1)
(folder / "result.json").write_text(json.dumps({"name": name, "seed": seed, "text": text}))
"""


@pytest.fixture
def notebook(tmp_path: Path) -> Path:
    """Notes each attempt, waits while its folder has a file `wait`, fails or dies if it is called so."""
    book = nbformat.v4.new_notebook()
    parameters = "name = ''\nseed = 0\ntext = ''\noutput = '.'"
    parameters = nbformat.v4.new_code_cell(parameters, metadata={"tags": ["parameters"]})
    book.cells = [parameters, nbformat.v4.new_code_cell(CODE)]
    book.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    path = tmp_path / "book.ipynb"
    nbformat.write(book, path)
    return path


def written(path: Path, **parts: object) -> Path:
    """A sweep of three seeds and one network, but for what is said."""
    said: dict[str, object] = {"notebook": "book.ipynb", "out": "out", "collect": "results"}
    said |= {"grid": {"seed": [0, 1, 2], "network": [{"name": "A"}]}} | parts
    path.write_text(yaml.safe_dump(said, sort_keys=False))
    return path


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    with local_cluster(2) as cluster, Client(cluster) as client:
        yield client


def attempts(cell: Cell) -> int:
    return len((cell.folder / "attempts.txt").read_text().splitlines())


def until(condition: Callable[[], object]) -> None:
    begun = time.monotonic()
    while not condition():
        assert time.monotonic() - begun < 60
        time.sleep(0.05)


# ---- reading


def test_the_cells_of_a_grid(notebook: Path, tmp_path: Path) -> None:
    networks = [{"name": "A", "preset": "a"}, {"preset": "b c", "start": "{output}/../A-seed{seed}/{preset}"}]
    grid = {"seed": [0, 1], "network": networks, "fold": [3]}
    sweep = read_sweep(written(tmp_path / "s.yaml", grid=grid, common={"text": "x", "seed": 7}), {"text": "y"})
    names = ["A-seed0-fold3", "b_c-seed0-fold3", "A-seed1-fold3", "b_c-seed1-fold3"]
    assert [cell.name for cell in sweep.cells] == names
    first, second = sweep.cells[:2]
    assert first.folder == tmp_path / "out" / "A-seed0-fold3"
    assert first.parameters == {
        "text": "y",
        "seed": 0,
        "name": "A",
        "preset": "a",
        "fold": 3,
        "output": str(first.folder),
    }
    assert second.parameters["start"] == f"{second.folder}/../A-seed0/b c"


@pytest.mark.parametrize(
    ("parts", "told"),
    [
        ({"gird": {}}, r"unknown part 'gird'; did you mean grid\?"),
        ({"grid": {}}, "no part 'grid'; it has the parts notebook, out, "),
        ({"grid": {"text": ["{text.x}"]}}, r"no parameter for the braces"),
        ({"common": ["x"]}, "'common' is no table of parameters; write it as in"),
        ({"grid": {"seed": 3}}, r"the grid is no table of lists; write it as in seed: \[0, 1, 2\]"),
        ({"grid": {"network": [{"name": "A"}, {"name": "A", "seed": 1}]}}, "two cells would be called A; give"),
        ({"grid": {"text": ["{sed}"]}}, r"no parameter for the braces \('sed'\)"),
        ({"notebook": "nook.ipynb"}, r"notebook nook\.ipynb is not there; name one as seen from"),
    ],
)
def test_a_wrong_sweep(notebook: Path, tmp_path: Path, parts: dict[str, object], told: str) -> None:
    with pytest.raises(UserError, match=rf"s\.yaml: {told}"):
        read_sweep(written(tmp_path / "s.yaml", **parts))


@pytest.mark.parametrize("name", ["seed", "train.updates"])
def test_what_the_grid_decides_is_no_common_parameter(notebook: Path, tmp_path: Path, name: str) -> None:
    with pytest.raises(UserError, match=rf"{name} is no common parameter; what the grid goes through is changed there"):
        read_sweep(written(tmp_path / "s.yaml"), {name: 1})


def test_a_parameter_that_the_notebook_has_not(client: Client, notebook: Path, tmp_path: Path) -> None:
    sweep = read_sweep(written(tmp_path / "s.yaml"), {"txt": "x"})
    with pytest.raises(UserError, match=r"book\.ipynb has no parameter 'txt'; did you mean text\?"):
        run_sweep(sweep, client)
    with pytest.raises(UserError, match=r"s\.yaml: text is no plain value .*; write it in quotes"):
        read_sweep(written(tmp_path / "s.yaml", common={"text": date(2026, 1, 1)}))
    assert not sweep.out.exists()


@pytest.mark.parametrize("text", ["[1, 2", "!!python/object/apply:os.getcwd []", "- 1", "\x00"])
def test_what_is_no_sweep(tmp_path: Path, text: str) -> None:
    (tmp_path / "s.yaml").write_text(text)
    with pytest.raises(UserError, match=r"s\.yaml: (no YAML file to read|describes no sweep)"):
        read_sweep(tmp_path / "s.yaml")
    with pytest.raises(UserError, match="no YAML file to read"):
        read_sweep(tmp_path / "none.yaml")


# ---- running


def test_every_cell_is_run_once(client: Client, notebook: Path, tmp_path: Path) -> None:
    told: list[tuple[Ran, int, int]] = []
    sweep = read_sweep(written(tmp_path / "s.yaml"))
    ran = run_sweep(sweep, client, lambda *said: told.append(said))
    assert {each.cell.name for each in ran} == {"A-seed0", "A-seed1", "A-seed2"}
    assert [each.problem for each in ran] == [None] * 3
    assert [said[1:] for said in told] == [(1, 3), (2, 3), (3, 3)]
    for seed in range(3):
        assert json.loads((tmp_path / "results" / f"A-seed{seed}.json").read_text())["seed"] == seed
    assert run_sweep(sweep, client) == []
    assert [attempts(cell) for cell in sweep.cells] == [1, 1, 1]

    # other parameters are another run
    again = read_sweep(tmp_path / "s.yaml", {"text": "new"})
    assert not any(cell.finished() for cell in again.cells)
    assert len(run_sweep(again, client)) == 3
    assert json.loads((tmp_path / "results" / "A-seed2.json").read_text())["text"] == "new"


def test_two_sweeps_in_one_folder_share_it(client: Client, notebook: Path, tmp_path: Path) -> None:
    sweep = read_sweep(written(tmp_path / "s.yaml"))
    with ThreadPoolExecutor(2) as both:
        ran = list(both.map(lambda _: run_sweep(sweep, client), range(2)))
    assert [each.problem for each in (*ran[0], *ran[1])] == [None] * 6
    assert [attempts(cell) for cell in sweep.cells] == [1, 1, 1]  # by one of them, and the other waited


def test_a_cell_that_fails_is_told_and_costs_no_other(client: Client, notebook: Path, tmp_path: Path) -> None:
    networks = [{"name": name} for name in ("broken", "dies", "A")]
    sweep = read_sweep(written(tmp_path / "s.yaml", grid={"network": networks}))
    problems = {each.cell.name: each.problem for each in run_sweep(sweep, client)}
    assert problems["A"] is None
    assert problems["broken"] == "ValueError: no such thing"
    assert str(problems["dies"]).endswith("it may have run out of memory")
    broken, dies, whole = sweep.cells
    for cell in (broken, dies):
        assert not (cell.folder / "notebook.ipynb").exists()
        assert "Traceback" in (cell.folder / "failed.ipynb").read_text() or cell is dies
    assert sorted(path.name for path in (tmp_path / "results").iterdir()) == ["A.json"]
    assert {each.cell.name for each in run_sweep(sweep, client)} == {"broken", "dies"}
    assert attempts(whole) == 1


def test_a_lost_worker_s_cell_is_run_again(client: Client, notebook: Path, tmp_path: Path) -> None:
    sweep = read_sweep(written(tmp_path / "s.yaml"))
    held = sweep.cells[0]
    held.folder.mkdir(parents=True)
    (held.folder / "wait").touch()
    killed: list[int] = []

    def kill(ran: Ran, done: int, total: int) -> None:
        """The worker that is at the held cell, once another has finished the rest."""
        if done < 2:
            return
        until((held.folder / "attempts.txt").exists)
        at_work: Any = client.processing()
        (address,) = (address for address, tasks in at_work.items() if tasks)
        killed.append(client.run(os.getpid, workers=[address])[address])
        os.kill(killed[0], signal.SIGKILL)
        until(lambda: attempts(held) == 2)
        (held.folder / "wait").unlink()

    ran = run_sweep(sweep, client, lambda *said: kill(*said) if not killed else None)
    assert len(killed) == 1
    assert {each.cell.name: each.problem for each in ran} == dict.fromkeys((cell.name for cell in sweep.cells), None)
    assert [attempts(cell) for cell in sweep.cells] == [2, 1, 1]
    assert all(cell.finished() for cell in sweep.cells)
    assert len(list((tmp_path / "results").iterdir())) == 3


# ---- by the command line


def test_by_the_command_line(
    client: Client,
    notebook: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = written(tmp_path / "s.yaml", grid={"network": [{"name": "A"}, {"name": "broken"}]})

    def call(*more: str) -> tuple[object, str, str]:
        monkeypatch.setattr("sys.argv", ["mpe", "sweep", str(file), *more])
        with pytest.raises(SystemExit) as ended:
            main()
        return ended.value.code or 0, *capsys.readouterr()

    scheduler = ("--scheduler", client.scheduler.address)
    code, out, _ = call("--dry-run")
    assert (code, out) == (0, f"{file}: 2 cells, 0 finished before\nA: to run\nbroken: to run\n")
    code, out, err = call("--set", "text")
    assert (code, out, err) == (2, "", "mpe: --set text has no value; write it as in --set judge=null\n")
    code, out, err = call(*scheduler, "--set", "text=1.5")
    assert code == 1
    assert out.startswith(f"{file}: 2 cells, 0 finished before\ndashboard: http://127.0.0.1:")
    assert "/2] A: finished, " in out
    assert "/2] broken: failed, " in out
    assert err == f"mpe: broken: ValueError: no such thing; see {tmp_path / 'out' / 'broken' / 'failed.ipynb'}\n"
    assert json.loads((tmp_path / "results" / "A.json").read_text())["text"] == 1.5
    assert call("--dry-run", "--set", "text=1.5")[1].endswith("A: finished\nbroken: to run\n")
    assert call("--dry-run", "--only", "b*")[1].endswith("s.yaml: 1 cells, 0 finished before\nbroken: to run\n")
    assert call(*scheduler, "--set", "text=1.5")[0] == 2  # nothing of what was left succeeded
    assert call(*scheduler, "--set", "text=1.5", "--collect", str(tmp_path / "mine"))[0] == 2
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["A.json"]
    for wrong, told in (
        (["--only", "X*"], "no cell is called X*; mpe sweep --dry-run lists them"),
        (["--set", "text=[a"], "--set: no YAML; write it as in 'faces=[my_faces]'"),
        (["--scheduler", "nonsense://x"], "no scheduler at nonsense://x; write its address as in tcp://node:8786"),
    ):
        code, _, err = call(*wrong)
        assert code == 2
        assert err.endswith(f"{told}\n")
        assert err.count("\n") == 1
