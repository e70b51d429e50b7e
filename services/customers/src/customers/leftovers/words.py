"""Where the erased are named in a text, whatever wrote it: a log, a message of a queue, an export.

A needle is a whole word, so that the digits of a customer number are not found in fractions of a second
or within an id; a name of several words is found as it stands. One reading of a text for all of the
erased: its words are looked up in a set, however many are looked for.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cache
from typing import IO
from urllib.parse import unquote

import phonenumbers

from shared.traces import EDGES

PIECE = 1 << 20
# Of a line without end: a name written as JSON escapes is whole in one of two pieces.
OVERLAP = 2000
# A customer's number, but no phone's: numbers of every kind are as short.
SHORT = 8

_WORD = re.compile(r"[\w@.+-]+")
_OF_WORDS = bytes(b for b in range(256) if b > 127 or chr(b).isalnum() or chr(b) in "_@.+-")
_SPLIT = {ord(c): " " for c in map(chr, range(128)) if not (c.isalnum() or c in "_@.+-")}
_COUNTS = re.compile(r'(": ?|[.\[]|[\w\]]:)$')
_ESCAPE = re.compile(r"\\+(?:u([0-9a-fA-F]{4})|[bfnrt])")
_NUMBER = re.compile(rf"\b\d{{4,{SHORT}}}\b")


class Matcher:
    """Finds `words` and `phrases`, lower case, in texts."""

    def __init__(self, words: Iterable[str], phrases: Iterable[str]) -> None:
        self.words = frozenset(words)
        # Digits that people write in groups; an E.164 number without its plus has at least seven.
        self.phones = {digits: word for word in self.words for digits in _dialled(word)}
        self.phrases: dict[str, list[tuple[frozenset[str], str]]] = defaultdict(list)
        for phrase in phrases:
            if parts := _words(phrase):
                # The longest is the rarest: "md" stands everywhere.
                self.phrases[max(parts, key=len)].append((frozenset(parts), phrase))

    def found(self, text: str) -> set[str]:
        """Which of them stand in the text."""
        return {one for view in _views(text) for one in self._in(view)}

    def _in(self, text: str) -> Iterator[str]:
        there = _words(text)
        named = there & self.words
        numbers = {word for word in named if len(word) <= SHORT and word.isdecimal()}
        yield from named - numbers
        if numbers:
            yield from _told(numbers, text)
        if self.phones:
            joined = {_joined(word) for word in there if word[0] in "+0123456789"}
            yield from (self.phones[one] for one in joined & self.phones.keys())
        for rare in there & self.phrases.keys():
            for parts, phrase in self.phrases[rare]:
                if parts <= there and phrase in text:
                    yield phrase


def _dialled(word: str) -> Iterator[str]:
    """A phone number as it is dialled from abroad and at home, without signs. Where nothing is dialled
    before it at home, what is left looks like the seconds of a clock."""
    if not (word.isdecimal() and len(word) > SHORT):
        return
    yield word
    for digits in (1, 2, 3):
        if before := _before(int(word[:digits])):
            yield before + word[digits:]


@cache
def _before(country: int) -> str:
    """The digits that come before a number at home: 0 in most countries that have any."""
    region = phonenumbers.region_code_for_country_code(country)
    known = phonenumbers.PhoneMetadata.metadata_for_region(region, None)
    return "" if known is None else known.national_prefix or ""


def _words(text: str) -> set[str]:
    """Each once: a log says the same words again and again."""
    each = text.translate(_SPLIT).split() if text.isascii() else _WORD.findall(text)
    return {word.strip(EDGES) for word in set(each)} - {""}


def _told(numbers: set[str], text: str) -> Iterator[str]:
    """Those that name somebody: not as a bare number of JSON, a fraction, a port, a process in brackets,
    all of which count something."""
    # Mostly numbers of JSON, and splitting is four times as quick as a pattern.
    numbers &= _words(text.replace('":', '":n').replace('":n ', '":n'))
    for at in _NUMBER.finditer(text) if numbers else ():
        if at[0] in numbers and not _COUNTS.search(text[max(0, at.start() - 3) : at.start()]):
            yield at[0]


def _joined(word: str) -> str:
    """Without the signs of a phone number; as often as it is called, three times `str.translate`."""
    return word.replace("-", "").replace(".", "").replace("+", "")


def _views(text: str) -> Iterator[str]:
    """The text in lower case: as it stands, without the escapes of JSON, and of addresses."""
    yield text.lower()
    if "\\" in text:
        yield _ESCAPE.sub(_letter, text).lower()
    if "%" in text or "+" in text:
        yield unquote(text.replace("+", " ")).lower()


def _letter(escape: re.Match[str]) -> str:
    return chr(int(escape[1], 16)) if escape[1] else " "


def pieces(file: IO[bytes]) -> Iterator[tuple[int, str]]:
    """The whole file, a part at a time, each with the number of its first line.

    Parts end with a line; where one is longer than a part, with a word, and the next repeats what may
    belong to a name. Half a word is no word: it could be another one.
    """
    line, left = 1, b""
    while read := file.read(PIECE):
        held = left + read
        end = held.rfind(b"\n") + 1
        if end == 0:
            end = len(held.rstrip(_OF_WORDS))
            left = held[max(0, end - OVERLAP) :].lstrip(_OF_WORDS)[-OVERLAP - PIECE :]
        else:
            left = held[end:]
        yield line, held[:end].decode(errors="replace")
        line += held.count(b"\n", 0, end)
    yield line, left.decode(errors="replace")
