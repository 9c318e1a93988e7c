"""Is a pair fit to learn from? Registration, grade, grain, share changed and cuts, each with a verdict."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np

from frdm_engine.data.pair_truth import Mask, Picture, displacement, likeness
from frdm_engine.data.pairs import Pair, Reader, Register, coded, compare, fit_grade, read_frame, read_picture
from frdm_engine.errors import InputError

MOST_SHIFT = 0.5
"""Pixels. A restoration further off would teach the network to move film."""
LEAST_SHIFT = 0.05
"""Pixels. Below, it is the estimate's own error; between, the restoration was resampled and is softer."""
MOST_GRADE, MOST_NOISE = 1.5 / 255, 1.0 / 255
GRAIN = (0.85, 1.15)
"""Fine detail of flat, sound film, restored against scanned, that counts as untouched."""
MOST_CHANGED = 0.4
LEAST_LIKENESS = 0.5
CLASSES = ("dirt", "scratch", "stain", "flicker")


@dataclass(frozen=True)
class Checked:
    """What was found. `problems` forbid the pair; `warnings` say what its truth will lack."""

    pair: Pair
    frames: int = 0
    width: int = 0
    height: int = 0
    shift: float = 0.0
    """Largest distance of a frame's median from its scan, pixels."""
    grade: float = 0.0
    """Mean change by the grade common to all frames, code values."""
    noise: float = 0.0
    """Median over frames of the usual difference of sound pixels, code values."""
    grain: float = 1.0
    changed: float = 0.0
    """Share of pixels repaired, flicker apart."""
    shares: dict[str, float] = field(default_factory=dict)
    cuts: tuple[int, ...] = ()
    problems: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def check_pair(register: Register, pair: Pair, *, reader: Reader = read_picture) -> Checked:
    """Look at every frame of a pair; what forbids it is told, not raised."""
    try:
        missing = [file for frame in pair.frames for file in register.files(pair, frame) if not file.is_file()]
        if missing:
            return Checked(pair, problems=(f"{len(missing)} files are missing, {missing[0]} first",))
        wrong_offset = _offset(register, pair, reader)
        if wrong_offset:
            return Checked(pair, frames=len(pair.frames), problems=(wrong_offset,))
        return _look(register, pair, reader)
    except InputError as error:
        return Checked(pair, problems=(str(error),))


def _offset(register: Register, pair: Pair, reader: Reader) -> str | None:
    """Whether the restored frames show other photographs, and which offset would fit."""
    middle = (pair.first + pair.last) // 2
    damaged, restored = (coded(one) for one in read_frame(register, pair, middle, reader))
    here = likeness(damaged, restored)
    best, offset = here, pair.offset
    for other in range(pair.offset - 3, pair.offset + 4):
        file = register.files(Pair("", pair.damaged, pair.restored, middle, middle, other), middle)[1]
        if other != pair.offset and file.is_file():
            shown = coded(reader(file))
            there = likeness(damaged, shown) if shown.shape == damaged.shape else -1.0
            if there > best:
                best, offset = there, other
    # Neighbours of a still shot are nearly as alike: only a clear gain accuses the offset.
    if offset != pair.offset and 1 - best < 0.5 * (1 - here):
        return f"frame {middle} fits the restored frame {middle + offset} better; try --offset {offset}"
    if here < LEAST_LIKENESS:
        return (
            f"frame {middle} and restored frame {middle + pair.offset} do not show the same picture ({here:.2f} alike)"
        )
    return None


def _look(register: Register, pair: Pair, reader: Reader) -> Checked:
    grade = fit_grade(register, pair, reader)
    shifts: dict[int, float] = {}
    noise, grain, changed = [], [], []
    sums = np.zeros(4)
    cuts = []
    height = width = 0
    for one in compare(register, pair, reader=reader):
        height, width = one.damaged.shape[:2]
        damaged, restored = coded(one.damaged), coded(one.restored)
        found = displacement(damaged, restored)
        if len(found):
            shifts[one.frame] = float(np.hypot(*np.median(found, axis=0)))
        noise.append(one.changes.noise)
        grain.append(_detail(grade.apply(restored), damaged, one.changes.support))
        changed.append(float(one.changes.support.mean()))
        sums += one.matte.mean(axis=(0, 1))
        cuts += [one.frame] if one.starts_shot and one.frame != pair.first else []
    frames = len(pair.frames)
    made = Checked(
        pair,
        frames=frames,
        width=width,
        height=height,
        shift=max(shifts.values(), default=0.0),
        grade=grade.deviation,
        noise=float(np.median(noise)),
        grain=float(np.median(grain)),
        changed=float(np.mean(changed)),
        shares=dict(zip(CLASSES, (sums / frames).tolist(), strict=True)),
        cuts=tuple(cuts),
    )
    return Checked(**{**vars(made), "problems": _problems(made, shifts), "warnings": _warnings(made, shifts)})


def _detail(restored: Picture, damaged: Picture, mended: Mask) -> float:
    """Strength of the finest detail of sound film where the picture is flat, restored against scanned."""
    sound = ~(cv2.dilate(mended.astype(np.uint8), np.ones((7, 7), np.uint8)) > 0)
    if not sound.any():
        return 1.0
    soft = cv2.GaussianBlur(damaged.mean(axis=-1), (0, 0), 2.0)
    slope = np.hypot(cv2.Sobel(soft, cv2.CV_32F, 1, 0), cv2.Sobel(soft, cv2.CV_32F, 0, 1))
    flat = sound & (slope <= np.median(slope[sound]))  # edges would drown the grain
    strength = []
    for frame in (restored, damaged):
        fine = frame - cv2.GaussianBlur(frame, (0, 0), 1.0)
        strength.append(float(np.sqrt((fine[flat] ** 2).mean())))
    return strength[0] / max(strength[1], 1e-6)


def _problems(made: Checked, shifts: dict[int, float]) -> tuple[str, ...]:
    out = []
    if made.shift > MOST_SHIFT:
        worst = max(shifts, key=lambda frame: shifts[frame])
        out.append(
            f"frame {worst} lies {made.shift:.2f} px off its scan: undo the stabilising or reframing, or leave it out"
        )
    elif shifts and float(np.median(list(shifts.values()))) > LEAST_SHIFT:
        usual = float(np.median(list(shifts.values())))
        out.append(f"the restoration was resampled, {usual:.2f} px off: register it again by whole pixels")
    longest = max(b - a for a, b in zip((made.pair.first, *made.cuts), (*made.cuts, made.pair.last + 1), strict=True))
    if longest < 5:
        out.append(f"its longest shot has {longest} frames: a window needs 5")
    return tuple(out)


def _warnings(made: Checked, shifts: dict[int, float]) -> tuple[str, ...]:
    out = []
    if not shifts:
        out.append("too little detail to tell how the frames lie")
    if made.grade > MOST_GRADE:
        out.append(f"regraded by {255 * made.grade:.1f} of 255 on average: the grade is undone in the truth")
    if made.noise > MOST_NOISE:
        out.append(f"sound pixels differ by {255 * made.noise:.1f} of 255: only larger changes count as damage")
    if not GRAIN[0] <= made.grain <= GRAIN[1]:
        out.append(
            f"sound film holds {100 * made.grain:.0f} % of the scan's fine detail: degrained or regrained, "
            "and repairs will be learned so"
        )
    if made.changed > MOST_CHANGED:
        out.append(f"{100 * made.changed:.0f} % of the pixels changed: more than damage was taken out")
    if made.changed == 0 and not made.shares.get("flicker"):
        out.append("nothing was mended")
    return tuple(out)
