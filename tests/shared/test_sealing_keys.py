"""Keys rotate: the first of the list seals, all open, and the mark says which one sealed."""

import os

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC

from shared.sealing import Keys, mark, oldest, seal, unseal

pytestmark = pytest.mark.unit
NEW, MIDDLE, OLD = ("11" * 32, "22" * 32, "33" * 32)
KEYS = Keys.from_hex(f"{NEW},{MIDDLE}, {OLD}")


@pytest.mark.parametrize("key", [NEW, MIDDLE, OLD])
def test_every_key_of_the_list_opens(key: str) -> None:
    for _ in range(300):
        # One wrong key in 256 would seem to fit: the mark decides, nobody tries.
        assert unseal(seal("s3cret", bytes.fromhex(key)), KEYS) == "s3cret"


def test_the_first_key_seals_and_says_so() -> None:
    sealed = seal("s3cret", KEYS)
    assert unseal(sealed, bytes.fromhex(NEW)) == "s3cret"
    assert sealed[3:11] == mark(bytes.fromhex(NEW)) != mark(bytes.fromhex(OLD))


def test_what_was_sealed_before_there_were_marks_is_under_the_oldest() -> None:
    iv = bytes(4) + os.urandom(12)
    cipher = Cipher(AES(bytes.fromhex(OLD)), CBC(iv)).encryptor()
    sealed = "v1:" + (iv + cipher.update(b"s3cret" + b"\x0a" * 10)).hex()
    assert unseal(sealed, KEYS) == "s3cret"


def test_digests_stay_under_the_oldest_key() -> None:
    assert oldest(KEYS) == bytes.fromhex(OLD)
    assert oldest(Keys.from_hex(NEW)) == oldest(bytes.fromhex(NEW)) == bytes.fromhex(NEW)


@pytest.mark.parametrize("text", ["", f"{NEW},", f"{NEW},short", f"{NEW};{OLD}"])
def test_a_list_with_a_broken_key_is_refused_and_not_shown(text: str) -> None:
    with pytest.raises(ValueError, match="64 hexadecimal digits") as refused:
        Keys.from_hex(text)
    assert NEW not in str(refused.value)
