"""The paper's Tables 1 to 4 from the results of runs, with the paper's figures beside them and what may be chance."""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

import numpy as np

from mpe_lib import paper
from mpe_lib.chance import Array, Interval, f1_over_faces, over_faces, over_trainings, smallest_difference
from mpe_lib.config import ABLATIONS, VARIATIONS
from mpe_lib.errors import UserError
from mpe_lib.results import Row

FULL = "MPENet"  #: the row that the systems are compared with
FIVE_STEPS = "five steps"  #: the row of Table 3 that has more of them


def all_tables(rows: Mapping[str, Row]) -> str:
    """Those tables that the rows are enough for, as Markdown.

    Raises:
        UserError: rows that were tested on different faces.
    """
    tested = {row.faces: name for name, row in rows.items()}
    if len(tested) > 1:
        one, other, *_ = tested.values()
        raise UserError(f"{one} and {other} were tested on different faces", "keep their results in different folders")
    tables = [about(rows)]
    if FULL in rows:
        tables += [table_1(rows), *(table_2(rows, by) for by in rows[FULL].recognisers()), table_3(rows[FULL])]
    if FIVE_STEPS in rows:
        tables.append(table_3(rows[FIVE_STEPS]))
    if all(name in rows for name in ABLATIONS):
        tables += [table_4(rows), verdict(rows)]
    return "\n\n".join(tables)


def about(rows: Mapping[str, Row]) -> str:
    """What all rows have in common, in a sentence."""
    first = next(iter(rows.values()))
    trained, tested = (_faces(part, first) for part in ("train", "test"))
    budgets = {(row.first["budget"]["updates"], row.first["budget"]["batch"]) for row in rows.values()}
    each = " or ".join(f"{updates:,} updates of {batch} faces" for updates, batch in sorted(budgets))
    measured = f"PSNR and SSIM on Y, border {first.first['figures']['border']}."
    chance = (
        "Half of a 95% interval over trainings follows ±; a 95% interval over faces, unless said, stands in brackets."
    )
    return f"Trained on {trained}, {each}; tested on {tested}. {measured} {chance}"


def table_1(rows: Mapping[str, Row]) -> str:
    """PSNR and SSIM of every system; its difference to MPENet is paired, over the same faces."""
    head = [*_paper_head("PSNR / SSIM"), "PSNR, dB", "SSIM", "over bicubic", f"{FULL} is ahead by", "parameters"]
    lines = [["bicubic", *_paper(paper.SYSTEMS["Bicubic"]), *_bicubic(rows[FULL]), "", "", "0"]]
    for name in _order(rows, paper.SYSTEMS):
        row = rows[name]
        psnr = row.quality("psnr")
        ahead = over_faces(rows[FULL].quality("psnr").mean(0) - psnr.mean(0))
        lines.append(
            [
                name,
                *_paper(paper.SYSTEMS[name]),
                _over_trainings(psnr.mean(1), 2),
                f"{row.quality('ssim').mean():.4f}",
                f"{psnr.mean() - row.quality('psnr', 'bicubic').mean():+.2f}",
                "" if name == FULL else _shown(ahead, 2),
                f"{row.first['parameters']:,}",
            ]
        )
    return _markdown("Table 1", ["", *head], lines)


def table_2(rows: Mapping[str, Row], by: str) -> str:
    """Action units that are recognised in every system's pictures."""
    head = [*_paper_head("F1 / accuracy"), "F1", "accuracy", f"{FULL} is ahead by", "faces found"]
    full = rows[FULL].said(by)
    lines: list[list[str]] = []
    for name, picture in (
        ("bicubic", "bicubic"),
        *((name, "") for name in _order(rows, paper.SYSTEMS)),
        ("", "original"),
    ):
        row = rows.get(name, rows[FULL])
        pairs = zip(full, row.said(by, picture), strict=True)
        ahead = f1_over_faces([(one, other, labels) for (one, labels), (other, _) in pairs])
        percent = Interval(*(100 * each for each in ahead))
        published = paper.SYSTEMS.get("Bicubic" if name == "bicubic" else name, {})
        lines.append(
            [
                name or "the originals",
                *_paper(published, units=True),
                _over_trainings(row.units(by, "f1", picture), 1),
                _plain(row.units(by, "accuracy", picture).mean(), 1),
                "" if name == FULL else _shown(percent, 1),
                _plain(row.units(by, "detected", picture).mean(), 1),
            ]
        )
    return _markdown(f"Table 2, in percent, action units recognised by {_text(by)}", ["", *head], lines)


def table_3(row: Row) -> str:
    """The steps of one network; what a step adds is paired, over the same faces."""
    by = row.recognisers()[:1]
    published = [*_paper_head("PSNR / SSIM"), *(_paper_head("F1 / accuracy") if by else [])]
    head = [*published, "PSNR, dB", "SSIM", "adds", *(["F1", "accuracy"] if by else [])]
    lines: list[list[str]] = []
    for before, step in pairwise(row.pictures):
        psnr = row.quality("psnr", step)
        added = over_faces((psnr - row.quality("psnr", before)).mean(0))
        units = [_over_trainings(row.units(by[0], what, step), 1) for what in ("f1", "accuracy")] if by else []
        lines.append(
            [
                step,
                *_paper(paper.STEPS.get(step, {})),
                *(_paper(paper.STEPS.get(step, {}), units=True) if by else []),
                _over_trainings(psnr.mean(1), 2),
                f"{row.quality('ssim', step).mean():.4f}",
                _shown(added, 3),
                *units,
            ]
        )
    judged = f", action units by {_text(by[0])}" if by else ""
    return _markdown(f"Table 3, {row.name}{judged}", ["", *head], lines)


def table_4(rows: Mapping[str, Row]) -> str:
    """The ablations, each against the row above; and what else could have been chosen, against the whole network."""
    names = list(ABLATIONS)
    by = rows[names[0]].recognisers()[:1]
    units = ["F1", "accuracy"] if by else []
    published = [_paper_head(what)[0] for what in ("PSNR / SSIM", "F1 / accuracy")]
    head = [*published, "PSNR, dB", "SSIM", *units, "against", "PSNR, over faces", "PSNR, over trainings"]
    lines: list[list[str]] = []
    against = {name: before for before, name in pairwise(names)} | dict.fromkeys(VARIATIONS, names[-1])
    for name in (name for name in (*names, *VARIATIONS) if name in rows):
        row = rows[name]
        psnr = row.quality("psnr")
        compared = ["", "", ""]
        differences = _of_common_seeds(row, rows[against[name]]) if name in against else psnr[:0]
        if len(differences):
            intervals = over_faces(differences.mean(0)), over_trainings(differences.mean(1))
            compared = [against[name], *(_shown(each, 3) for each in intervals)]
        lines.append(
            [
                name,
                *(_paper(paper.ABLATION.get(name, {}), units=of_units)[0] for of_units in (False, True)),
                _over_trainings(psnr.mean(1), 3),
                f"{row.quality('ssim').mean():.4f}",
                *(_over_trainings(row.units(each, what), 1) for each in by for what in ("f1", "accuracy")),
                *compared,
            ]
        )
    return _markdown("Table 4", ["", *head], lines)


def spread(rows: Iterable[Row]) -> float:
    """How much trainings of one network scatter: a standard deviation of their mean PSNR, pooled over networks."""
    several = [row.quality("psnr").mean(1) for row in rows if len(row) > 1]
    if not several:
        return math.nan
    weights = [len(means) - 1 for means in several]
    return math.sqrt(float(np.average([means.var(ddof=1) for means in several], weights=weights)))


def verdict(rows: Mapping[str, Row]) -> str:
    """Which of the paper's differences could be told from chance with as many trainings as there are here."""
    several = [rows[name] for name in ABLATIONS]
    count, scatter = min(map(len, several)), spread(several)
    if count < 2:
        return "Some were trained only once: nothing can be said of how much trainings scatter."
    least = smallest_difference(scatter, count, len(several))
    names = list(ABLATIONS)
    said: dict[bool, list[str]] = {True: [], False: []}
    for before, name in pairwise(names):
        gain = paper.ABLATION[name]["BP4D"].psnr - paper.ABLATION[before]["BP4D"].psnr
        said[gain >= least].append(f"{name} {gain:+.2f} dB")
    could_not = f"; {', '.join(said[False])} could not" if said[False] else ""
    return (
        f"Trainings of one network scatter by {scatter:.3f} dB (a standard deviation). With {count} of each, "
        f"differences below {least:.3f} dB can't be told from chance. "
        f"Of the paper's gains {', '.join(said[True]) or 'none'} could{could_not}."
    )


def _of_common_seeds(one: Row, other: Row) -> Array:
    """How much more PSNR the one has, (seeds that both have, faces)."""
    seeds = [seed for seed in one.seeds if seed in other.seeds]
    first, second = (row.quality("psnr")[[row.seeds.index(seed) for seed in seeds]] for row in (one, other))
    return first - second


def _faces(part: str, row: Row) -> str:
    """Which faces the trainings of a network had, or their tests, and how many."""
    names, count = ", ".join(row.first[part]["faces"]), sum(fold[part]["n"] for fold in row.folds)
    in_folds = f" in {len(row.folds)} folds" if len(row.folds) > 1 else ""
    return f"{_text(names)} ({count} faces{in_folds})"


def _order(rows: Mapping[str, Row], published: paper.Rows) -> list[str]:
    """Those of the rows that are published, in the paper's order."""
    return [name for name in published if name in rows]


def _paper_head(what: str) -> list[str]:
    return [f"paper, {data}: {what}" for data in ("BP4D", "DISFA")]


def _paper(figures: Mapping[str, paper.Figures], *, units: bool = False) -> list[str]:
    """The paper's figures on both data sets, empty where it has none."""
    cells: list[str] = []
    for data in ("BP4D", "DISFA"):
        row = figures.get(data)
        if row is None or (units and row.f1 is None):
            cells.append("")
        else:
            cells.append(f"{row.f1:.2f} / {row.accuracy:.2f}" if units else f"{row.psnr:.2f} / {row.ssim:.4f}")
    return cells


def _bicubic(row: Row) -> list[str]:
    return [f"{row.quality('psnr', 'bicubic').mean():.2f}", f"{row.quality('ssim', 'bicubic').mean():.4f}"]


def _over_trainings(values: Array, digits: int) -> str:
    """The mean, and half of its 95% interval over trainings if they differ; bicubic's and the originals' do not."""
    mean, low, high = over_trainings(values)
    return _plain(mean, digits) + (f" ± {(high - low) / 2:.{digits}f}" if high > low else "")


def _plain(value: float, digits: int) -> str:
    return "n/a" if math.isnan(value) else f"{value:.{digits}f}"


def _shown(interval: Interval, digits: int) -> str:
    """An estimate and its 95% interval."""
    if math.isnan(interval.value):
        return "n/a"
    if math.isnan(interval.low):
        return f"{interval.value:+.{digits}f}"
    return f"{interval.value:+.{digits}f} ({interval.low:+.{digits}f} to {interval.high:+.{digits}f})"


def _text(name: str) -> str:
    """A name of a result, whatever it is, as Markdown that is neither HTML nor a link."""
    return re.sub(r"[\\`*\[\]<>&|]", r"\\\g<0>", name)


def _markdown(title: str, head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    rows = [head, ["---"] * len(head), *lines]
    return "\n".join([f"**{title}**", "", *(f"| {' | '.join(row)} |" for row in rows)])
