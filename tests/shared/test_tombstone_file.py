"""The file of tombstones: nothing torn, nothing altered in silence (F36)."""

import os
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from shared.tombstone_file import START, Altered, Moved, Place, Tombstone, TombstoneFile

pytestmark = pytest.mark.unit
AT = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.fixture
def file(tmp_path: Path) -> TombstoneFile:
    return TombstoneFile(tmp_path / "apart" / "tombstones.txt", b"k" * 32)


def tombstone(mode: str = "pseudonymise") -> Tombstone:
    return Tombstone(uuid4(), uuid4(), mode, "1/4/", AT)


def everything(file: TombstoneFile) -> list[Tombstone]:
    return file.read(START, 1_000_000)[0]


def test_what_is_written_is_read_from_any_place_on_f36(file: TombstoneFile) -> None:
    first, second, third = tombstone(), tombstone("everything"), tombstone()
    between = file.append([first], START)
    end = file.append([second, third], between)
    assert everything(file) == [first, second, third]
    assert file.read(between, 1) == ([second], file.read(between, 1)[1])
    assert file.read(between, 2) == ([second, third], end)
    assert file.read(end, 2) == ([], end)
    assert file.holds(START) and file.holds(between) and file.holds(end)


def test_the_file_is_its_owners_alone(file: TombstoneFile) -> None:
    file.append([tombstone()], START)
    assert file.path.stat().st_mode & 0o777 == 0o600
    assert file.path.parent.stat().st_mode & 0o077 == 0


def test_a_site_without_a_file_has_no_tombstones(file: TombstoneFile) -> None:
    assert file.read(START, 10) == ([], START)
    assert file.holds(START)


@pytest.mark.parametrize("kept", [1, 40, -1])
def test_a_line_torn_by_a_crash_is_not_there_and_the_next_one_takes_its_place_f36(
    file: TombstoneFile, kept: int
) -> None:
    first, lost, next_one = tombstone(), tombstone(), tombstone()
    end = file.append([first], START)
    file.append([lost], end)
    torn = file.path.read_bytes()[end.bytes :][:kept]
    os.truncate(file.path, end.bytes + len(torn))
    assert file.read(START, 10) == ([first], end)
    file.append([next_one], end)
    assert everything(file) == [first, next_one]


def test_two_writers_at_once_tear_no_line_f36(file: TombstoneFile) -> None:
    def write(_: int) -> list[UUID]:
        written: list[UUID] = []
        place = START
        while len(written) < 40:
            one = tombstone()
            try:
                place = file.append([one], place)
                written.append(one.customer_id)
            except Moved:
                place = file.read(place, 1_000_000)[1]
        return written

    with ThreadPoolExecutor(4) as pool:
        every = [one for ids in pool.map(write, range(4)) for one in ids]
    assert sorted(one.customer_id for one in everything(file)) == sorted(every)


def test_an_altered_line_is_named_and_nobody_is_erased_by_it_f36(file: TombstoneFile) -> None:
    between = file.append([tombstone()], START)
    file.append([tombstone(), tombstone()], between)
    content = bytearray(file.path.read_bytes())
    content[between.bytes] = ord("0") if content[between.bytes] != ord("0") else ord("1")
    file.path.write_bytes(content)
    with pytest.raises(Altered, match=f"byte {between.bytes} "):
        file.read(START, 10)


def test_a_line_of_another_key_or_taken_out_is_noticed(file: TombstoneFile) -> None:
    between = file.append([tombstone()], START)
    file.append([tombstone()], between)
    with pytest.raises(Altered, match="at byte 0 "):
        everything(TombstoneFile(file.path, b"x" * 32))
    file.path.write_bytes(file.path.read_bytes()[between.bytes :])
    with pytest.raises(Altered, match="at byte 0 "):
        everything(file)


def test_a_file_that_was_cut_off_or_replaced_does_not_hold_the_place_f36(
    file: TombstoneFile,
) -> None:
    between = file.append([tombstone()], START)
    end = file.append([tombstone()], between)
    os.truncate(file.path, between.bytes)
    assert file.holds(between) and not file.holds(end)
    other = Place(between.bytes, "0" * 64)
    assert not file.holds(other)
    with pytest.raises(Moved):
        file.append([tombstone()], end)
    file.path.unlink()
    assert not file.holds(between)
