"""What is set aside comes back bucket by bucket in its order, from little memory, and leaves nothing behind."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import tracemalloc
from multiprocessing.connection import Connection
from multiprocessing.reduction import recv_handle, send_handle
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foldline.errors import SpaceError
from foldline.replay.spill import Spill, bucket_of

_FULL_DISK = """
import resource, sys
from pathlib import Path
from foldline.errors import SpaceError
from foldline.replay.spill import Spill
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
with Spill(4, Path(sys.argv[1])) as spill:
    try:
        for number in range(1000):
            spill.append(number % 4, bytes(1000))
    except SpaceError as error:
        print(error)
"""


@given(st.lists(st.tuples(st.integers(0, 3), st.binary(max_size=50))), st.integers(1, 40))
def test_every_bucket_comes_back_in_its_order(values: list[tuple[int, bytes]], block: int) -> None:
    with Spill(4, block=block) as spill:
        for bucket, octets in values:
            spill.append(bucket, octets)
        for wanted in range(4):
            expected = [octets for bucket, octets in values if bucket == wanted]
            assert list(spill.read(wanted)) == expected
            assert list(spill.read(wanted)) == expected, "a second reader finds the same"


def test_a_value_may_be_larger_than_many_blocks() -> None:
    large = os.urandom(300_000)
    with Spill(2) as spill:
        for octets in (b"", large, b"x", large[::-1]):
            spill.append(1, octets)
        assert list(spill.read(1)) == [b"", large, b"x", large[::-1]]
        assert list(spill.read(0)) == []


def test_memory_is_a_block_a_bucket_however_much_is_set_aside() -> None:
    octets = bytes(1000)
    with Spill(8, block=4096) as spill:
        tracemalloc.start()
        try:
            for number in range(20_000):
                spill.append(number % 8, octets)
            for _ in spill.read(3):
                pass
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert spill.on_disk > 19_000_000
        assert peak < 500_000


def test_nothing_has_a_name_on_the_disk(tmp_path: Path) -> None:
    with Spill(2, tmp_path, block=10) as spill:
        spill.append(0, bytes(100))
        assert spill.on_disk == 100
        assert list(tmp_path.iterdir()) == []


def test_a_process_reads_what_it_was_handed_beside_its_parent() -> None:
    with Spill(2, block=16) as spill:
        for number in range(1000):
            spill.append(number % 2, str(number).encode())
        mine = spill.read(0)
        assert next(mine) == b"0"
        spawn = multiprocessing.get_context("spawn")
        ours, theirs = spawn.Pipe()
        child = spawn.Process(target=_read, args=(theirs,))
        child.start()
        theirs.close()
        ours.send(spill)
        send_handle(ours, spill.descriptor, child.pid)
        assert ours.recv() == [str(number).encode() for number in range(1, 1000, 2)]
        child.join()
        assert list(mine) == [str(number).encode() for number in range(2, 1000, 2)]


def _read(connection: Connection) -> None:
    spill: Spill = connection.recv()
    spill.from_file(recv_handle(connection))
    connection.send(list(spill.read(1)))


def test_a_full_disk_is_told_with_what_to_do(tmp_path: Path) -> None:
    said = subprocess.run(
        [sys.executable, "-c", _FULL_DISK, tmp_path], capture_output=True, text=True, check=True
    ).stdout
    assert said.startswith(f"{tmp_path} takes no more of what is to be set aside (File too large; 65,536 bytes are).")
    assert "TMPDIR" in said


def test_a_directory_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SpaceError, match="absent takes no more"):
        Spill(1, tmp_path / "absent")


def test_a_key_has_the_same_bucket_for_ever() -> None:
    assert [bucket_of(key, 64) for key in (b"", b"INGESTION\0doc-1", "ü".encode())] == [0, 13, 21]
