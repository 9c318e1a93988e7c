"""The canvas tells where damage shows: nothing of it is untold, and what nobody sees is told only just."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from frdm_engine.damage.drawing import CLASSES, FAINTEST, KINDS, LABELLED, UNSEEN, VISIBLE, Canvas

Array = npt.NDArray[np.float32]


def drawn(change: float, *, alpha: float = 1.0, kind: str = "dust") -> Canvas:
    """A grey canvas whose middle was changed by so much under that cover."""
    canvas = Canvas(np.full((24, 24, 3), 0.5, np.float32))
    cover = np.full((12, 12), alpha, np.float32)
    canvas.add(kind, np.full((12, 12, 3), change, np.float32), cover, top=6, left=6)
    return canvas


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (0.0, 0.0),
        (0.2 * UNSEEN, FAINTEST),
        (-0.9 * UNSEEN, FAINTEST),
        ((UNSEEN + VISIBLE) / 2, 0.5),
        (VISIBLE, 1.0),
        (-3 * VISIBLE, 1.0),
    ],
)
def test_a_matte_tells_how_far_a_change_shows(change: float, told: float) -> None:
    """From what nobody sees in a grainy picture, told only just, to what is wholly visible."""
    canvas = drawn(change)
    np.testing.assert_allclose(canvas.mattes[8:16, 8:16, 0], told, rtol=1e-3)
    assert canvas.mattes[0, 0].max() == 0


def test_a_translucent_cover_counts_for_as_much_as_it_hides() -> None:
    np.testing.assert_allclose(drawn(VISIBLE, alpha=0.4).mattes[8:16, 8:16, 0], 0.4, rtol=1e-3)
    assert drawn(0.5 * UNSEEN, alpha=0.4).mattes[8:16, 8:16, 0].min() > 0


def test_where_all_mattes_are_zero_the_plate_is_as_it_was() -> None:
    rng = np.random.default_rng(0)
    canvas = Canvas(np.full((24, 24, 3), 0.5, np.float32))
    change = (UNSEEN * rng.normal(0, 0.5, (24, 24, 3))).astype(np.float32)
    change[:, 12:] = 0
    canvas.add("stain", change, np.ones((24, 24), np.float32), top=0, left=0)
    untold = canvas.mattes.max(axis=2) == 0
    assert 0.2 < untold.mean() < 0.8
    assert (canvas.plate[untold] == np.float32(0.5)).all()


@pytest.mark.parametrize("kind", KINDS)
def test_what_nobody_sees_bears_no_label(kind: str) -> None:
    assert FAINTEST < LABELLED
    faint, plain = drawn(0.9 * UNSEEN, kind=kind), drawn(VISIBLE, kind=kind)
    assert not faint.kinds.any()
    assert set(np.unique(plain.kinds)) == {0, 1 << KINDS.index(kind)}
    assert [name for name, matte in zip(CLASSES, np.moveaxis(plain.mattes, 2, 0), strict=True) if matte.any()] == [
        name for name, matte in zip(CLASSES, np.moveaxis(faint.mattes, 2, 0), strict=True) if matte.any()
    ]
