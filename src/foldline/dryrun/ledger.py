"""The identities that have their verdict, and the place of the record that got it: some 130 bytes of memory each."""

from __future__ import annotations

from dataclasses import dataclass

from foldline.core.events import Verdict


@dataclass(frozen=True, slots=True)
class Judged:
    """The verdict of an identity. `offset` is None where it was given elsewhere."""

    verdict: Verdict
    offset: int | None


class Ledger:
    """Verdicts by identity digest (hexadecimal), each packed into one number: there may be millions."""

    def __init__(self) -> None:
        self._packed: dict[bytes, int] = {}

    def of(self, digest: str) -> Judged | None:
        """The verdict of an identity, None if it has none."""
        packed = self._packed.get(bytes.fromhex(digest))
        if packed is None:
            return None
        place, rejected = divmod(packed, 2)
        return Judged(Verdict.REJECTED if rejected else Verdict.APPLIED, place - 1 if place else None)

    def keep(self, digest: str, judged: Judged) -> None:
        """Note a verdict, in place of an earlier one."""
        place = 0 if judged.offset is None else judged.offset + 1
        self._packed[bytes.fromhex(digest)] = 2 * place + (judged.verdict is Verdict.REJECTED)
