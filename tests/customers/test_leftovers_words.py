"""What counts as naming somebody, in a log, a message or an address, and what only looks like it."""

import bz2
import gzip
import io
import json
import lzma
import os
from pathlib import Path
from typing import IO

import pytest

from customers.leftovers import logs, words
from customers.leftovers.words import Matcher

pytestmark = pytest.mark.unit
WORDS = ("100042", "vexworth.q", "jhorna@qazi.example", "8801799887766", "josé@qazi.example")
PHRASES = ("quillon vexworth", "রহিম মিয়া", "md vexworth")
MATCHER = Matcher(WORDS, PHRASES)


@pytest.mark.parametrize(
    ("text", "needle"),
    [
        ('{"user": "Vexworth.Q"}', "vexworth.q"),
        ("login <vexworth.q>.", "vexworth.q"),
        ("GET /v1/customers?q=jhorna%40qazi.example HTTP/1.1", "jhorna@qazi.example"),
        ("phone=%2B8801799887766", "8801799887766"),
        ("call 01799-887766 now", "8801799887766"),
        ("call +880-1799-887766 now", "8801799887766"),
        ('{"log": "{\\"exception\\": \\"no\\\\nvexworth.q\\"}"}', "vexworth.q"),
        (json.dumps({"name": "রহিম মিয়া"}), "রহিম মিয়া"),
        (json.dumps(json.dumps({"mail": "José@qazi.example"})), "josé@qazi.example"),
        ("q=Quillon+Vexworth&x", "quillon vexworth"),
        ("q=Quillon%20Vexworth", "quillon vexworth"),
        ("customer 100042 is", "100042"),
        ('{"number": "100042"}', "100042"),
        ("a,100042,b", "100042"),
    ],
)
def test_a_needle_is_found_however_it_is_written(text: str, needle: str) -> None:
    assert MATCHER.found(text) == {needle}


@pytest.mark.parametrize(
    "text",
    [
        '{"ts": "2026-11-22T18:51:41.100042Z"}',
        '{"rows": 100042, "more":100042}',
        "2026-11-22 18:51:41 UTC [100042] LOG: ready",
        "0190a0b1-1000-7000-8000-100042100042",
        "from 10.0.0.1:100042",
        "vexworth.quick and xvexworth.q",
        "Vexworth, Quillon",
        "at 1799887766 seconds",
    ],
)
def test_what_only_looks_like_one_is_not_found(text: str) -> None:
    assert MATCHER.found(text) == set()


@pytest.mark.parametrize("size", [40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 5000])
@pytest.mark.parametrize("between", ["\n", " ", ","])
def test_no_word_is_cut_where_a_file_is_read_in_parts(
    size: int, between: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(words, "PIECE", size)
    monkeypatch.setattr(words, "OVERLAP", 20)
    decoys = ["9100042", "1000429", "xvexworth.q", "vexworth.qx", "quillon", "vexworth", "0.100042"]
    text = between.join(decoys * 9)
    people = ["100042", "Vexworth.Q", "Quillon Vexworth"]
    named = between.join([text, *people, text])
    everybody = {"100042", "vexworth.q", "quillon vexworth"}
    for content, expected in ((text, set()), (named, everybody)):
        each = list(words.pieces(io.BytesIO(content.encode())))
        found = {one for _, piece in each for one in MATCHER.found(piece)}
        # With blanks between, the two words of a name are neighbours in either case.
        assert found - {"quillon vexworth"} == expected - {"quillon vexworth"}
        assert found >= expected
        for line, piece in each:
            if between == "\n" and piece:
                assert content.splitlines()[line - 1] == piece.splitlines()[0]


@pytest.mark.parametrize(
    "pack", [bytes, gzip.compress, bz2.compress, lzma.compress, logs.zstd.compress]
)
def test_a_log_is_read_however_it_is_packed(tmp_path: Path, pack: object) -> None:
    packed = pack(b"one\n" * 9 + b"by vexworth.q\n")  # type: ignore[operator]
    (tmp_path / "a").write_bytes(packed)
    searched = logs.search(tmp_path, MATCHER)
    (find,) = searched.finds
    assert find.needles == {"vexworth.q": 10}
    assert searched.told == {"searched": True, "files": 1, "bytes": len(packed)}


def test_a_log_that_breaks_off_is_told_of(tmp_path: Path) -> None:
    (tmp_path / "a.gz").write_bytes(gzip.compress(os.urandom(5000))[:-900])
    (find,) = logs.search(tmp_path, MATCHER).finds
    assert find.where == {"log": "a.gz", "unreadable": True, "do": logs.MAKE_READABLE}
    assert find.needles is None


def test_a_log_that_is_rotated_while_others_are_read_is_not_missed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.log").write_text("nobody\n")
    (tmp_path / "b.log").write_text("by vexworth.q\n")
    unpacked = logs._unpacked

    def rotating(file: IO[bytes]) -> IO[bytes]:
        if file.name.endswith("a.log"):
            (tmp_path / "b.log").rename(tmp_path / "b.log.1")
            (tmp_path / "b.log").write_text("Quillon Vexworth\n")
        return unpacked(file)

    monkeypatch.setattr(logs, "_unpacked", rotating)
    searched = logs.search(tmp_path, MATCHER)
    assert {find.where["log"]: list(find.needles or ()) for find in searched.finds} == {
        "b.log": ["quillon vexworth"], "b.log.1": ["vexworth.q"],
    }  # fmt: skip
    assert searched.told["files"] == 3
