"""The ledger of identities: which verdict the log gives each, beside which one the tables have."""

from __future__ import annotations

import struct
import uuid
from collections.abc import Callable, Iterator

from foldline.core.events import Verdict
from foldline.replay.cut import IdentityRow
from foldline.replay.difference import Cause, Column, Difference, Subject, What
from foldline.replay.spill import Spill
from foldline.replay.texts import bool_text
from foldline.replay.told import Ref

_TABLE = "foldline_identities"
_HELD, _TOLD = 0, 1
_ENTRY = struct.Struct("<B16s?HQ")
_NOWHERE = (0, 0)


class Ledger:
    """Identities of both sides, set aside by digest. One that lies on several partitions counts once."""

    def __init__(self, spill: Spill, buckets: int) -> None:
        self._spill = spill
        self._buckets = buckets

    def held(self, row: IdentityRow) -> None:
        """The tables have this identity."""
        self._append(_HELD, row.digest, rejected=row.rejected == "t", ref=_NOWHERE)

    def told(self, digest: str, verdict: Verdict, ref: Ref) -> None:
        """The log gives this identity its verdict."""
        self._append(_TOLD, digest, rejected=verdict is Verdict.REJECTED, ref=ref)

    def differences(self, subject_of: Callable[[Ref], Subject], *, whole: bool) -> Iterator[Difference]:
        """What differs. `whole`: the log was told whole, so that what it does not tell of is one too many."""
        for bucket in range(self._buckets):
            held: dict[bytes, bool] = {}
            told: dict[bytes, tuple[bool, Ref]] = {}
            for entry in self._spill.read(bucket):
                side, digest, rejected, source, offset = _ENTRY.unpack(entry)
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

    def _append(self, side: int, digest: str, *, rejected: bool, ref: Ref) -> None:
        octets = bytes.fromhex(digest)
        bucket = int.from_bytes(octets[:4], "little") % self._buckets
        self._spill.append(bucket, _ENTRY.pack(side, octets, rejected, *ref))
