"""The example as a live stream: the events of a day that ends about now, lines that are no events among them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from foldline.example.log import example_log
from foldline.example.undecodable import undecodable_lines

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

_LENGTH = timedelta(hours=14)
"""From the first event to the last, a little more than it takes."""


@dataclass(frozen=True, slots=True)
class LiveStream:
    """Lines to be published as they are, in order, and how many of them must end with which verdict."""

    lines: Sequence[bytes]
    verdicts: Mapping[str, int]


def live_stream(now: datetime, *, mark: str = "") -> LiveStream:
    """The whole example log, moved to the hours before `now`; `mark` stands in every id."""
    log = example_log(start=now - _LENGTH, mark=mark)
    poison = [line for _, line in undecodable_lines()]
    verdicts = Counter[str](planted.verdict for planted in log.records)
    verdicts["undecodable"] = len(poison)
    return LiveStream(tuple(_strewn([planted.line for planted in log.records], poison)), verdicts)


def _strewn(lines: Sequence[bytes], poison: Sequence[bytes]) -> Iterator[bytes]:
    """The lines, with the poison at even distances among them."""
    every = len(lines) // (len(poison) + 1)
    left = iter(poison)
    for number, line in enumerate(lines, start=1):
        yield line
        if number % every == 0:
            yield from [nothing for nothing in [next(left, None)] if nothing is not None]
