"""Every behaviour of the seed documents (A1 … E33) is named by a test that shows it.

A test names a seed in its name (`…_c54`, `…_a12_to_a18`) or its docstring (`C54`, `A12-A18`). A range of
more than ten says where a whole way leads, and names none of its steps. Hostile inputs have numbers
B1 … B30 of their own (reference reliability 4): seed B is named as `seed B13`, `seeds B13, B14`.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.unit
TESTS = Path(__file__).parents[1]
# How many behaviours each of the five documents states.
DOCUMENTS = {"A": 42, "B": 24, "C": 56, "D": 19, "E": 33}
LONGEST_RANGE = 10
NUMBER = r"{letter}(\d{{1,2}})(?:\s*(?:-|–|to|_to_)\s*{letter}?(\d{{1,2}}))?(?![0-9A-Za-z])"


def every_test() -> Iterator[tuple[str, str]]:
    """Name and docstring of every test."""
    for file in sorted(TESTS.rglob("test_*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                yield node.name, ast.get_docstring(node) or ""


def named(name: str, docstring: str) -> set[str]:
    return {
        f"{letter}{number}"
        for letter in DOCUMENTS
        for text in _texts(letter, name, docstring)
        for begin, end in re.findall(r"(?<![A-Za-z0-9])" + NUMBER.format(letter=letter), text)
        for number in _range(int(begin), int(end or begin))
    }


def _texts(letter: str, name: str, docstring: str) -> list[str]:
    if letter != "B":
        return [re.sub(r"_(?!to_)|(?<!to)_", " ", name).upper().replace(" TO ", " to "), docstring]
    return re.findall(r"[Ss]eeds? ((?:[A-E]\d+(?:\s*(?:,|and|to|-|–)\s*)?)+)", docstring) + [
        found.upper() for found in re.findall(r"seed_(b\d+)", name)
    ]


def _range(begin: int, end: int) -> range:
    return range(begin, end + 1) if 0 <= end - begin < LONGEST_RANGE else range(0)


def test_names_are_read_as_they_are_meant() -> None:
    assert named("test_rows_c54", "") == {"C54"}
    assert named("test_a12_to_a14_and_d6", "") == {"A12", "A13", "A14", "D6"}
    assert named("test_the_walk_a1_to_a41", "C5-C38") == set()
    assert named("test_x", "B13: a hostile input. E5, e7; C12–C14") == {"E5", "C12", "C13", "C14"}
    assert named("test_x", "Seeds B13, B14 and A2.") == {"B13", "B14", "A2"}
    assert named("test_seed_b7_is", "") == {"B7"}


@pytest.mark.parametrize("letter", DOCUMENTS)
def test_every_behaviour_of_the_document_has_a_test(letter: str) -> None:
    shown = set().union(*(named(name, docstring) for name, docstring in every_test()))
    wanted = [f"{letter}{number}" for number in range(1, DOCUMENTS[letter] + 1)]
    assert [seed for seed in wanted if seed not in shown] == []
