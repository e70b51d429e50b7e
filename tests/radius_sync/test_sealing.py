"""The form in which customers seals a password and FreeRADIUS' database opens it."""

import os

import pytest

from shared.sealing import key_from_hex, seal, unseal

KEY = bytes(range(32))


@pytest.mark.unit
@pytest.mark.parametrize("text", ["", "s3cret", "x" * 15, "x" * 16, "x" * 17, "пароль '\"`%{x}"])
def test_what_was_sealed_is_unsealed(text: str) -> None:
    assert unseal(seal(text, KEY), KEY) == text


@pytest.mark.unit
def test_sealing_twice_gives_two_different_texts() -> None:
    assert seal("same", KEY) != seal("same", KEY)


@pytest.mark.unit
def test_another_key_is_refused_and_the_text_is_not_in_the_error() -> None:
    sealed = seal("s3cret", KEY)
    refused = 0
    for _ in range(50):
        try:
            assert unseal(sealed, os.urandom(32)) != "s3cret"
        except ValueError as error:
            assert "s3cret" not in str(error)
            refused += 1
    assert refused >= 45  # one in 256 wrong keys ends in a byte that looks like padding


@pytest.mark.unit
@pytest.mark.parametrize("text", ["plain", "v1:", "v1:00", "v2:" + "00" * 32, "v1:" + "zz" * 32])
def test_another_form_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="sealed"):
        unseal(text, KEY)


@pytest.mark.unit
@pytest.mark.parametrize("text", ["", "00" * 31, "zz" * 32])
def test_a_key_that_is_not_64_digits_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="openssl rand"):
        key_from_hex(text)
