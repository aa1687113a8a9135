"""Values set aside on the local disk by bucket: written in any order, read back one bucket after the other.

All buckets share one file without a name, which the kernel removes when the process ends, however it ends. The file is
a sequence of blocks of one size, each of one bucket; what does not fill a block stays in memory. So memory is one block
a bucket, and one small number for each block on the disk. A value is framed by its length, and may cross blocks.

A spill can be handed to a child process as it starts (`multiprocessing`, spawn), to read from the same file.
"""

from __future__ import annotations

import os
import tempfile
import zlib
from array import array
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from foldline.errors import SpaceError

_LARGEST_BLOCK = 65_536
_SMALLEST_BLOCK = 4_096
_MOST_IN_MEMORY = 2_097_152
_LENGTH = 4


def bucket_of(key: bytes, buckets: int) -> int:
    """Which of so many buckets a key belongs to: the same in every process and for ever."""
    return zlib.crc32(key) % buckets


class Spill:
    """So many buckets of values, in the order in which each was appended.

    Args:
        buckets: how many.
        directory: on whose file system; None: where temporary files go.
        block: how many bytes are written at once; each bucket keeps less than that in memory. None: so many that
            all buckets together keep few megabytes.

    Raises:
        SpaceError: the directory cannot be written to.
    """

    def __init__(self, buckets: int, directory: Path | None = None, *, block: int | None = None) -> None:
        self._place = Path(directory or tempfile.gettempdir())
        self._block = block or max(_SMALLEST_BLOCK, min(_LARGEST_BLOCK, _MOST_IN_MEMORY // max(buckets, 1)))
        self._unwritten = [bytearray() for _ in range(buckets)]
        self._written = [array("Q") for _ in range(buckets)]
        self._blocks = 0
        try:
            self._file = tempfile.TemporaryFile(buffering=0, prefix="foldline-", dir=self._place)  # noqa: SIM115 - closed by `close`
        except OSError as error:
            raise self._no_space(error) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_file": None}  # another process is handed the file by itself

    @property
    def descriptor(self) -> int:
        """The file, to be handed to another process, which says there that it is `from_file` of that number."""
        return self._file.fileno()

    def from_file(self, descriptor: int) -> None:
        """Read from this file, which is that of the process that we were sent by."""
        self._file = os.fdopen(descriptor, "rb", buffering=0)

    def close(self) -> None:
        """Give the space back."""
        self._file.close()

    def append(self, bucket: int, octets: bytes | bytearray) -> None:
        """Set a value aside.

        Raises:
            SpaceError: the disk is full.
        """
        unwritten = self._unwritten[bucket]
        unwritten += len(octets).to_bytes(_LENGTH, "little") + octets
        if len(unwritten) >= self._block:
            self._write(bucket, unwritten)

    def read(self, bucket: int) -> Iterator[bytes]:
        """Every value of a bucket in its order. Several processes may read at once."""
        block, descriptor = self._block, self._file.fileno()
        rest = b""
        for number in self._written[bucket]:
            chunk = rest + os.pread(descriptor, block, number * block)
            at, size = 0, len(chunk)
            while (begin := at + _LENGTH) <= size:
                end = begin + int.from_bytes(chunk[at:begin], "little")
                if end > size:
                    break
                yield chunk[begin:end]
                at = end
            rest = chunk[at:]
        chunk = rest + self._unwritten[bucket]
        at = 0
        while at < len(chunk):
            begin = at + _LENGTH
            at = begin + int.from_bytes(chunk[at:begin], "little")
            yield chunk[begin:at]

    def size(self, bucket: int) -> int:
        """How many bytes a bucket has."""
        return len(self._written[bucket]) * self._block + len(self._unwritten[bucket])

    @property
    def on_disk(self) -> int:
        """How many bytes lie in the file."""
        return self._blocks * self._block

    def _write(self, bucket: int, unwritten: bytearray) -> None:
        block = self._block
        whole = len(unwritten) // block * block
        try:
            with memoryview(unwritten) as view:
                self._write_all(view[:whole])
        except OSError as error:
            raise self._no_space(error) from None
        self._written[bucket].extend(range(self._blocks, self._blocks + whole // block))
        self._blocks += whole // block
        del unwritten[:whole]

    def _write_all(self, view: memoryview) -> None:
        descriptor, at, written = self._file.fileno(), self._blocks * self._block, 0
        while written < len(view):  # a file system that is nearly full takes a part
            written += os.pwrite(descriptor, view[written:], at + written)

    def _no_space(self, error: OSError) -> SpaceError:
        return SpaceError(
            f"{self._place} takes no more of what is to be set aside ({error.strerror}; {self.on_disk:,} bytes are).",
            remedy="Free some space, or name another directory with TMPDIR.",
        )
