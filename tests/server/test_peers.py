"""Who is connected: bounded, forgotten after silence, and what each may leave waiting."""

from __future__ import annotations

import pytest

from frdm_bridge.messages import MEBI
from frdm_engine.errors import SpoolError
from frdm_engine.server.peers import FORGOTTEN_S, MOST_FOLLOWED, MOST_HELD, MOST_PEERS, MOST_WAITING, Peers

CLIENT = "c" * 32


def test_who_is_silent_too_long_must_say_hello_again() -> None:
    now = [0.0]
    peers = Peers(clock=lambda: now[0])
    assert peers.heard(b"a") is None
    peers.greet(b"a", CLIENT)
    now[0] = FORGOTTEN_S
    assert peers.heard(b"a") is not None
    now[0] = 2 * FORGOTTEN_S
    assert peers.heard(b"a") is not None
    now[0] = 3 * FORGOTTEN_S + 1
    assert peers.heard(b"a") is None
    assert len(peers) == 0


def test_a_hello_said_twice_keeps_what_is_followed_and_another_client_does_not() -> None:
    peers = Peers()
    first = peers.greet(b"a", CLIENT)
    assert first is not None
    first.follow("0" * 32, after=0, snapshot={})
    assert peers.greet(b"a", CLIENT) is first
    assert [peer for peer, _ in peers.following({"0" * 32})] == [first]
    peers.greet(b"a", "d" * 32)
    assert peers.following({"0" * 32}) == []


def test_connections_are_bounded_and_room_comes_back() -> None:
    now = [0.0]
    peers = Peers(clock=lambda: now[0])
    for index in range(MOST_PEERS):
        assert peers.greet(index.to_bytes(4, "big"), CLIENT) is not None
    assert peers.greet(b"one more", CLIENT) is None
    peers.drop((7).to_bytes(4, "big"))
    assert peers.greet(b"one more", CLIENT) is not None
    now[0] = FORGOTTEN_S + 1
    assert peers.greet(b"late", CLIENT) is not None
    assert len(peers) == 1


def test_what_waits_of_a_peer_is_bounded() -> None:
    peer = Peers().greet(b"a", CLIENT)
    assert peer is not None
    assert peer.may_wait(MEBI)
    peer.held = MOST_HELD - MEBI + 1
    assert not peer.may_wait(MEBI)
    peer.held, peer.waiting = 0, MOST_WAITING
    assert not peer.may_wait(1)


def test_jobs_followed_are_bounded() -> None:
    peer = Peers().greet(b"a", CLIENT)
    assert peer is not None
    for index in range(MOST_FOLLOWED):
        peer.follow(f"{index:032x}", after=0, snapshot={})
    peer.check_room(f"{5:032x}")
    with pytest.raises(SpoolError, match="follows"):
        peer.check_room("f" * 32)
