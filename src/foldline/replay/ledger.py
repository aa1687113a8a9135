"""The ledger of identities: which verdict the log gives each, beside which one the tables have."""

from __future__ import annotations

import struct
import uuid
from collections.abc import Callable, Iterator
from itertools import chain

from foldline.core.events import Verdict
from foldline.replay.difference import Cause, Column, Difference, Subject, What
from foldline.replay.spill import Spill
from foldline.replay.texts import bool_text
from foldline.replay.told import Ref

_TABLE = "foldline_identities"
_HELD, _TOLD = 0, 1
_ENTRY = struct.Struct("<B16s?HQ")
_NOWHERE = (0, 0)


def entry_of(digest: str, verdict: Verdict, ref: Ref) -> bytes:
    """That the log gives this identity its verdict, by the record `ref`."""
    return _ENTRY.pack(_TOLD, bytes.fromhex(digest), verdict is Verdict.REJECTED, *ref)


def place_of(entry: bytes, places: int) -> int:
    """Which of so many places of the ledger an entry belongs to."""
    return int.from_bytes(entry[1:5], "little") % places


class Ledger:
    """Identities of both sides, set aside at places by digest. One that lies on several partitions counts once."""

    def __init__(self, spill: Spill, buckets: int) -> None:
        self._spill = spill
        self.places = buckets

    def held(self, line: bytes) -> None:
        """The tables have this identity: an `IdentityRow` as COPY wrote it."""
        digest, rejected = line.decode().split("\t")
        entry = _ENTRY.pack(_HELD, bytes.fromhex(digest), rejected == "t", *_NOWHERE)
        self._spill.append(place_of(entry, self.places), entry)

    def told(self, place: int, entries: bytes | bytearray) -> None:
        """The log has these entries at a place."""
        self._spill.append(place, entries)

    def differences(self, subject_of: Callable[[Ref], Subject], *, whole: bool) -> Iterator[Difference]:
        """What differs. `whole`: the log was told whole, so that what it does not tell of is one too many."""
        for bucket in range(self.places):
            held: dict[bytes, bool] = {}
            told: dict[bytes, tuple[bool, Ref]] = {}
            entries = chain.from_iterable(map(_ENTRY.iter_unpack, self._spill.read(bucket)))
            for side, digest, rejected, source, offset in entries:
                if side == _HELD:
                    held[digest] = rejected
                else:
                    told[digest] = rejected, (source, offset)
            for digest, (rejected, ref) in told.items():
                found = held.pop(digest, None)
                if found is None:
                    yield Difference(_TABLE, What.MISSING, Cause.LOST, None, subject_of(ref))
                elif found is not rejected:
                    column = Column("rejected", bool_text(rejected), bool_text(found))
                    yield Difference(_TABLE, What.CHANGED, Cause.UNEXPLAINED, None, subject_of(ref), (column,))
            if whole:
                for digest in held:
                    column = Column("digest", None, str(uuid.UUID(bytes=digest)))
                    yield Difference(_TABLE, What.EXTRA, Cause.UNEXPLAINED, None, Subject(), (column,))
