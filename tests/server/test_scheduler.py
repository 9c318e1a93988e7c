"""Who is next: interactive before batch, clients in turn, nobody for ever."""

from __future__ import annotations

from frdm_engine.server.scheduler import STREAK, Scheduler


def take(scheduler: Scheduler) -> int:
    turn = scheduler.take()
    assert turn is not None
    return turn.number


def test_a_clients_jobs_come_in_their_order() -> None:
    scheduler = Scheduler()
    for number in (3, 1, 2):
        scheduler.add(number, client="anna", interactive=False)
    assert len(scheduler) == 3
    assert [take(scheduler) for _ in range(3)] == [1, 2, 3]
    assert scheduler.take() is None
    assert len(scheduler) == 0


def test_interactive_jobs_overtake_at_the_next_frame_border() -> None:
    scheduler = Scheduler()
    scheduler.add(1, client="anna", interactive=False)
    assert take(scheduler) == 1
    assert not scheduler.should_yield(1)
    scheduler.add(2, client="ben", interactive=True)
    assert scheduler.should_yield(1)
    scheduler.give_back(1)
    assert take(scheduler) == 2
    assert not scheduler.should_yield(2)
    scheduler.remove(2)
    assert take(scheduler) == 1


def test_clients_share_the_device_by_seconds_not_by_jobs() -> None:
    scheduler = Scheduler(slice_s=0)
    for number in range(40):
        scheduler.add(number, client="many", interactive=False)
    scheduler.add(100, client="one", interactive=False)
    scheduler.add(101, client="one", interactive=False)
    served = {"many": 0.0, "one": 0.0}
    for _ in range(12):
        turn = scheduler.take()
        assert turn is not None
        seconds = 3.0 if turn.client == "many" else 1.0
        scheduler.used(turn.number, seconds)
        served[turn.client] += seconds
        scheduler.give_back(turn.number)
    assert abs(served["many"] - served["one"]) <= 3.0


def test_batch_jobs_keep_their_slice() -> None:
    scheduler = Scheduler(slice_s=10)
    scheduler.add(1, client="anna", interactive=False)
    scheduler.add(2, client="ben", interactive=False)
    assert take(scheduler) == 1
    scheduler.used(1, 9)
    assert not scheduler.should_yield(1)
    scheduler.used(1, 2)
    assert scheduler.should_yield(1)
    scheduler.give_back(1)
    assert take(scheduler) == 2


def test_one_client_alone_never_yields_to_itself() -> None:
    scheduler = Scheduler(slice_s=0)
    scheduler.add(1, client="anna", interactive=False)
    scheduler.add(2, client="anna", interactive=False)
    assert take(scheduler) == 1
    scheduler.used(1, 1000)
    assert not scheduler.should_yield(1)


def test_a_newcomer_does_not_shut_out_who_was_there() -> None:
    scheduler = Scheduler(slice_s=0)
    scheduler.add(1, client="old", interactive=False)
    assert take(scheduler) == 1
    scheduler.used(1, 1000)
    scheduler.give_back(1)
    scheduler.add(2, client="new", interactive=False)
    order = []
    for _ in range(6):
        number = take(scheduler)
        scheduler.used(number, 1)
        scheduler.give_back(number)
        order.append(number)
    assert order.count(1) == 3


def test_batch_is_slow_but_does_not_stand_still_under_interactive_jobs() -> None:
    scheduler = Scheduler()
    scheduler.add(1, client="anna", interactive=False)
    for number in range(2, 3 + 2 * STREAK):
        scheduler.add(number, client=f"c{number}", interactive=True)
    order = []
    while (turn := scheduler.take()) is not None:
        order.append(turn.number)
        if turn.number == 1:
            assert turn.starved
            assert scheduler.should_yield(1)
            scheduler.give_back(1)
            if order.count(1) == 2:
                break
        else:
            scheduler.remove(turn.number)
    assert [index for index, number in enumerate(order) if number == 1] == [STREAK, 2 * STREAK + 1]


def test_a_job_removed_while_it_waits_or_works_is_gone() -> None:
    scheduler = Scheduler()
    scheduler.add(1, client="anna", interactive=False)
    scheduler.add(2, client="anna", interactive=False)
    scheduler.remove(2)
    assert take(scheduler) == 1
    scheduler.remove(1)
    scheduler.give_back(1)
    scheduler.used(1, 1)
    assert not scheduler.should_yield(1)
    assert scheduler.take() is None
