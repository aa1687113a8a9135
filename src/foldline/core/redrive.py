"""A redrive: the original of a dead letter, published again, and what its letter says of it afterwards. Pure.

The header `foldline-redrive` makes a record a redrive. Its value names the letter that it answers, and how often the
event has been redriven, which is what ends a loop: the letter of a redrive that fails keeps its headers, so the count
goes on. Whoever may publish may write such a header. So it decides nothing but which letter is looked at: an answer
counts only where the letter holds the very value of the record. What is no such value is the same as none.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from foldline.core.batch import Plan
from foldline.core.events import REDRIVE_HEADER, Headers, Record

LIMIT = 3
"""How often an event is redriven, unless somebody asks for more."""


_Number = Annotated[int, Meta(ge=0, le=2**31 - 1)]


class Redrive(Struct, frozen=True, gc=False):
    """What the header says: where the letter's record lay, and which redrive of the event this is, from 1."""

    topic: Annotated[str, Meta(max_length=249)]
    partition: _Number
    offset: Annotated[int, Meta(ge=0, le=2**63 - 1)]
    incarnation: _Number
    redrive: _Number


class Answer(Struct, frozen=True, gc=False):
    """What became of the letter that lay there with this value, by the record that was published again."""

    letter: Redrive
    record: Record
    applied: bool


_decoder = msgspec.json.Decoder(Redrive)


def redrive_of(headers: Headers) -> Redrive | None:
    """What the header says; None if there is none, or if it says nothing that a redrive would. The last one counts."""
    value = next((value for name, value in reversed(headers) if name == REDRIVE_HEADER), None)
    if value is None:
        return None
    try:
        said = _decoder.decode(value)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    return None if "\0" in said.topic else said


def redrives_before(headers: Headers) -> int:
    """How often the event had been redriven when the record with these headers was published."""
    said = redrive_of(headers)
    return 0 if said is None else said.redrive


def redriven(headers: Headers, redrive: Redrive) -> Headers:
    """The headers of the original when it is published again: an earlier redrive's makes way for this one's."""
    kept = tuple((name, value) for name, value in headers if name != REDRIVE_HEADER)
    return (*kept, (REDRIVE_HEADER, msgspec.json.encode(redrive)))


def answers(plan: Plan) -> list[Answer]:
    """What the plan's redrives say of their letters; of several answers to one, the first of the log.

    A redrive that is a duplicate is one of an applied event: what was rejected is judged again.
    """
    redriven = [each.record for each in plan.batch.decoded if each.record.headers and each.record.redrive]
    if not redriven:
        return []
    refused = {letter.record.offset for letter in plan.dead_letters}
    found: dict[tuple[object, ...], Answer] = {}
    for record in redriven:
        said = redrive_of(record.headers)
        if said is not None:
            key = (said.topic, said.partition, said.incarnation, said.offset, record.value)
            found.setdefault(key, Answer(said, record, record.offset not in refused))
    return list(found.values())
