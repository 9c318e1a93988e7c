"""Replay shows the hardest batches again, none too often, bridges a wait, and hides no failure of the source."""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import replace

import pytest
import torch

from frdm_engine.data.patches import Batch
from frdm_engine.errors import InputError
from frdm_engine.training.replay import Replay

COUNT = 200


def named(batch: Batch, count: int = COUNT) -> Iterator[Batch]:
    """The batch over and over, each time with a number of its own as its owner."""
    for number in range(count):
        yield replace(batch, owner=torch.tensor([number]))


def number(batch: Batch) -> int:
    return int(batch.owner)


def test_without_a_share_batches_come_once_and_in_order(batch: Batch) -> None:
    replay = Replay(named(batch), share=0.0, ahead=False)
    drawn = [replay.draw() for _ in range(20)]
    assert [number(made) for made, _ in drawn] == list(range(20))
    assert all(new for _, new in drawn)


def test_the_hardest_is_seen_again_first(batch: Batch) -> None:
    """Hardness 0..1 by number, shuffled: what comes back is the hardest of those kept, less by its uses."""
    replay = Replay(named(batch), keep=8, uses=3, share=0.3, ahead=False)
    hardness = {n: (37 * n % 101) / 101 for n in range(COUNT)}
    kept: list[int] = []
    uses: Counter[int] = Counter()
    again = 0
    for _ in range(150):
        made, new = replay.draw()
        key = number(made)
        if new:
            kept = [*kept[-7:], key]
        else:
            again += 1
            odds = {n: hardness[n] / uses[n] for n in kept if uses[n] < 3}
            assert odds[key] == max(odds.values())
        uses[key] += 1
        replay.judge(hardness[key])
    assert 20 < again < 80


@pytest.mark.parametrize("uses", [1, 2, 4])
def test_no_batch_is_used_more_often_than_allowed(uses: int, batch: Batch) -> None:
    """Even if a draw always goes back while it can, and the network never learns the batch."""
    replay = Replay(named(batch), uses=uses, share=1.0, ahead=False)
    seen: Counter[int] = Counter()
    for _ in range(60):
        made, new = replay.draw()
        assert new == (seen[number(made)] == 0)
        seen[number(made)] += 1
        replay.judge(1.0)
    assert max(seen.values()) == uses
    assert len(seen) == 60 // uses


def test_the_same_seed_draws_the_same(batch: Batch) -> None:
    def drawn(seed: int) -> list[int]:
        replay = Replay(named(batch), share=0.5, ahead=False, seed=seed)
        return [number(replay.draw()[0]) for _ in range(40)]

    assert drawn(3) == drawn(3)
    assert drawn(3) != drawn(4)


def test_a_draw_does_not_wait_while_there_is_something_to_see_again(batch: Batch) -> None:
    more = threading.Event()

    def slow() -> Iterator[Batch]:
        source = named(batch)
        yield next(source)
        more.wait(timeout=30)
        yield next(source)

    replay = Replay(slow(), uses=3, share=0.0, ahead=True)
    assert [(number(made), new) for made, new in (replay.draw() for _ in range(3))] == [
        (0, True),
        (0, False),
        (0, False),
    ]
    assert not more.is_set()
    more.set()
    made, new = replay.draw()  # used up: now it waits
    assert (number(made), new) == (1, True)


@pytest.mark.parametrize("ahead", [False, True])
def test_an_error_in_the_source_reaches_whoever_draws(ahead: bool, batch: Batch) -> None:
    def broken() -> Iterator[Batch]:
        yield next(named(batch))
        raise InputError("f3.png is damaged.")

    replay = Replay(broken(), uses=2, share=0.0, ahead=ahead)
    assert replay.draw()[1]
    with pytest.raises(InputError, match=r"f3\.png is damaged"):
        deque((replay.draw() for _ in range(3)), maxlen=0)  # what is kept may be seen again before


def test_little_is_fetched_ahead(batch: Batch) -> None:
    """Batches are large: no more wait than the two that bridge a stutter, and the one in the thread's hand."""
    fetched: list[int] = []

    def counted() -> Iterator[Batch]:
        for made in named(batch):
            fetched.append(number(made))
            yield made

    replay = Replay(counted(), uses=1, ahead=True)
    replay.draw()
    deadline = time.monotonic() + 10
    while len(fetched) < 4 and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.1)
    assert fetched == [0, 1, 2, 3]
