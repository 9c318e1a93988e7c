"""The training log as a picture: losses, decibels in damage, the matte's recall and precision, rate and throughput."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from frdm_engine.errors import InputError, OutputError, SettingError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

CLASSES = {"dirt": "tab:blue", "scratch": "tab:orange", "stain": "tab:green", "flicker": "tab:purple"}
COLOURS = {**CLASSES, "damage": "tab:red", "whole": "black"}
LOSSES = ("image", "composite", "frequency", "matte", "small")
FORMATS = (".svg", ".png", ".pdf")
BIN = 60
"""Points a curve is averaged to, so that the noise of single batches does not hide its course."""

Line = dict[str, float]


def read_log(folder: Path) -> tuple[list[Line], list[Line]]:
    """Lines of `folder/log.jsonl`, of training and of validation. A last line cut short by a crash is left out.

    Raises:
        InputError: there is no log, nothing in it, or a line that is no JSON.
    """
    path = folder / "log.jsonl"
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}); name the folder of a training.") from error
    rows = text.splitlines()
    lines = []
    for number, row in enumerate(rows, 1):
        try:
            lines.append(json.loads(row))
        except ValueError as error:
            if number < len(rows) or text.endswith("\n"):
                raise InputError(f"Line {number} of {path} is no JSON ({error}); remove it.") from error
    trained = [line for line in lines if not line.get("validation")]
    if not lines:
        raise InputError(f"{path} holds no line yet; train longer, or with a smaller --log-every.")
    return trained, [line for line in lines if line.get("validation")]


def plot(folder: Path, path: Path) -> None:
    """Draw the log of a run to `path` (.svg, .png or .pdf).

    Raises:
        InputError: there is no log.
        SettingError: matplotlib is not installed, or the name has no such suffix.
        OutputError: the file cannot be written.
    """
    if path.suffix.lower() not in FORMATS:
        raise SettingError(f"{path} cannot be drawn; name a file that ends in {', '.join(FORMATS)}.")
    trained, validated = read_log(folder)
    try:
        import matplotlib as mpl
        from matplotlib.figure import Figure
    except ImportError as error:
        raise SettingError("Plots need matplotlib; install it with: pip install 'frdm[bench]'.") from error

    # A fixed salt and no date: the same log gives the same file.
    with mpl.rc_context({"svg.hashsalt": "frdm", "font.size": 8, "axes.grid": True, "grid.alpha": 0.3}):
        rows = 3 if validated else 2
        figure = Figure(figsize=(12, 3 * rows), layout="constrained")
        axes = figure.subplots(rows, 2)
        _losses(axes[0, 0], trained)
        _rate(axes[0, 1], trained)
        _decibels(axes[1, 0], trained, ("dirt", "scratch", "stain"), title="training: PSNR in damage (dotted: damaged)")
        _matte(axes[1, 1], trained, title="training: matte, recall (dashed: precision)")
        if validated:
            _decibels(axes[2, 0], validated, tuple(COLOURS), title="validation: gain over the damaged film", gain=True)
            _matte(axes[2, 1], validated, title="validation: matte at the restorer's thresholds")
        for axis in axes.flat:
            axis.set_xlabel("minutes")
            if axis.get_legend_handles_labels()[0]:
                axis.legend(fontsize=7)
        figure.suptitle(f"{folder.name}: {_reached(trained or validated)}")
        kind = path.suffix[1:].lower()
        said: dict[str, Any] = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(kind, {})
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            figure.savefig(path, dpi=110, metadata=said)
        except OSError as error:
            raise OutputError(f"{path} cannot be written ({error.strerror}); choose another name.") from error


def course(lines: Sequence[Line], key: str) -> tuple[list[float], list[float]]:
    """Minutes and values of one curve, neighbouring points averaged to at most `BIN`; lines without it left out."""
    # 100 dB stands for an interval that held no pixel of the class.
    points = [(line["minutes"], line[key]) for line in lines if key in line and line[key] < 100]
    size = max(1, -(-len(points) // BIN))
    bins = [points[start : start + size] for start in range(0, len(points), size)]
    return [sum(x for x, _ in b) / len(b) for b in bins], [sum(y for _, y in b) / len(b) for b in bins]


def _reached(lines: Sequence[Line]) -> str:
    return f"step {lines[-1]['step']:,.0f}, {lines[-1]['minutes']:.1f} minutes"


def _losses(axis: Axes, lines: Sequence[Line]) -> None:
    for name in LOSSES:
        minutes, values = course(lines, name)
        if values:
            axis.plot(minutes, values, label=name)
    axis.set(title="loss, by part", yscale="log" if lines else "linear")


def _rate(axis: Axes, lines: Sequence[Line]) -> None:
    axis.plot(*course(lines, "rate"), color="tab:gray", label="learning rate")
    axis.set(title="learning rate, throughput")
    beside = axis.twinx()
    beside.grid(visible=False)
    beside.plot(*course(lines, "megapixels_per_second"), color="tab:cyan")
    beside.set_ylabel("Mpixel/s", color="tab:cyan")


def _decibels(axis: Axes, lines: Sequence[Line], names: Sequence[str], *, title: str, gain: bool = False) -> None:
    both = [{**line, f"{n}_gain": line[f"{n}_psnr"] - line[f"{n}_psnr_before"]} for line in lines for n in names
            if f"{n}_psnr" in line]  # fmt: skip
    for name in names:
        colour = COLOURS[name]
        if gain:
            axis.plot(*course(both, f"{name}_gain"), ".-", color=colour, label=name)
        else:
            axis.plot(*course(lines, f"{name}_psnr"), color=colour, label=name)
            axis.plot(*course(lines, f"{name}_psnr_before"), ":", color=colour, linewidth=1)
    axis.set(title=title, ylabel="dB")


def _matte(axis: Axes, lines: Sequence[Line], *, title: str) -> None:
    for name, colour in CLASSES.items():
        minutes, recall = course(lines, f"{name}_recall")
        if recall:
            axis.plot(minutes, recall, color=colour, label=name)
            axis.plot(*course(lines, f"{name}_precision"), "--", color=colour, linewidth=1)
    minutes, changed = course(lines, "changed")
    if changed:
        axis.plot(minutes, changed, color="tab:red", label="sound pixels changed")
    axis.set(title=title, ylim=(-0.02, 1.02))
