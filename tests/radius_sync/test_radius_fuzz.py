"""A million wrong replies: nothing breaks, nothing false is believed (B23)."""

import hashlib
import os
import random
from functools import partial

import pytest

from radius_sync.protocol import Code
from radius_sync.radius import Message, read_reply
from tests.radius_sync.test_radius import NOW, SECRET, disconnect, reply_to

md5 = partial(hashlib.md5, usedforsecurity=False)


def _mutated(good: bytes, chance: random.Random) -> bytes:
    kind = chance.randrange(6)
    if kind == 0:
        return chance.randbytes(chance.choice((0, 5, 19, 20, 21, 40, 300, 4096)))
    data = bytearray(good)
    if kind == 1:
        del data[chance.randrange(len(data)) :]
    elif kind == 2:
        data += chance.randbytes(chance.randrange(1, 40))
        data[2:4] = chance.choice((len(data), chance.randrange(65536))).to_bytes(2)
    for _ in range(chance.randrange(1, 4) if kind > 2 else 0):
        data[chance.randrange(len(data))] = chance.randrange(256)
    if kind == 5:  # what is left has a valid Response Authenticator: decoding is reached
        data[4:20] = md5(data[:4] + REQUEST.raw[4:20] + data[20:] + SECRET).digest()
    return bytes(data)


REQUEST = disconnect()


@pytest.mark.unit
def test_b23_fifty_thousand_replies_cause_no_exception_and_no_false_accept() -> None:
    _fuzz(50_000, int(os.environ.get("FUZZ_SEED", 4)))


@pytest.mark.parametrize("quarter", range(4))
def test_b23_a_million_replies_cause_no_exception_and_no_false_accept(quarter: int) -> None:
    """Always the same million, beside the fifty thousand that `FUZZ_SEED` chooses."""
    _fuzz(250_000, quarter)


def _fuzz(number: int, seed: int) -> None:
    print(f"FUZZ_SEED={seed}")
    chance = random.Random(seed)
    good = [
        reply_to(REQUEST),
        reply_to(REQUEST, Code.DISCONNECT_NAK, Error_Cause=503),
        reply_to(REQUEST, Code.DISCONNECT_ACK, Mikrotik_Rate_Limit="1M/1M", Event_Timestamp=NOW),
    ]
    accepted = 0
    for _ in range(number):
        datagram = _mutated(chance.choice(good), chance)
        answer = read_reply(REQUEST, datagram, now=NOW)
        if isinstance(answer, Message):
            accepted += 1
            inside = datagram[: int.from_bytes(datagram[2:4])]
            signature = md5(inside[:4] + REQUEST.raw[4:20] + inside[20:] + SECRET)
            assert signature.digest() == inside[4:20], f"FUZZ_SEED={seed}"
            assert inside[0] in (41, 42)
            assert inside[1] == REQUEST.identifier
    assert accepted > 0, "the fuzz must reach what is verified"
