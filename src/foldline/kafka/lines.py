"""From a file of JSON lines to routed records: each line keeps its bytes, and goes where its event belongs."""

from __future__ import annotations

import gzip
import io
import zlib
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

import msgspec

from foldline.core.cloudevents import data_members, is_envelope
from foldline.core.decode import decode_transition, decode_workflow
from foldline.core.events import Headers, Undecodable
from foldline.core.members import ABSENT, Fault, members_of, object_in
from foldline.errors import PublishError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from foldline.core.events import TransitionEvent, WorkflowEvent

_GZIP_MAGIC = b"\x1f\x8b"


@dataclass(frozen=True, slots=True)
class Routed:
    """A record on its way to a topic; without a `partition` its key decides.

    For messages to people: `line` is its number in the file it came from, `letter` that of the dead letter that it is
    published for again.
    """

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Headers = ()
    line: int | None = None
    partition: int | None = None
    letter: int | None = None

    @property
    def name(self) -> str:
        """What people know it by."""
        if self.letter is not None:
            return f"Dead letter {self.letter}"
        return f"Line {self.line}" if self.line is not None else "A record"

    @property
    def octets(self) -> int:
        """The length of its value."""
        return len(self.value or b"")


def route(line: bytes, *, transition_topic: str, workflow_topic: str, raw: bool) -> Routed:
    """Return the record that `line` becomes; its value is `line`, byte for byte.

    An event with `fsm_type` goes to the transition topic keyed by `entity_id`, else one with `workflow_id` to the
    workflow topic keyed by that; one in a CloudEvents envelope goes the way of what is in it. With `raw`, a line that
    says neither goes to the transition topic without a key, and nothing else is asked of it.

    Raises:
        PublishError: Without `raw`, the line is not an event that a worker could decode.
    """
    try:
        members = members_of(line) if raw else object_in(line)
        event = data_members(members) if is_envelope(members) else members
    except Fault as fault:
        if not raw:
            raise _no_event(fault.verdict.detail) from None
        event = {}
    decode: Callable[[bytes], TransitionEvent | WorkflowEvent | Undecodable]
    if event.get("fsm_type", ABSENT) != ABSENT:
        topic, name, decode = transition_topic, "entity_id", decode_transition
    elif event.get("workflow_id", ABSENT) != ABSENT:
        topic, name, decode = workflow_topic, "workflow_id", decode_workflow
    elif raw:
        return Routed(transition_topic, None, line)
    else:
        raise _no_event("it has neither fsm_type nor workflow_id")
    if not raw and isinstance(verdict := decode(line), Undecodable):
        raise _no_event(verdict.detail)
    return Routed(topic, _key(event.get(name, ABSENT)), line)


def routes(
    lines: Iterable[tuple[int, bytes]], *, transition_topic: str, workflow_topic: str, raw: bool
) -> Iterator[Routed]:
    """Route numbered lines, in order; the PublishError of a line that is no event begins with its number."""
    for number, line in lines:
        try:
            routed = route(line, transition_topic=transition_topic, workflow_topic=workflow_topic, raw=raw)
        except PublishError as error:
            raise PublishError(f"Line {number}: {error.problem}", remedy=error.remedy) from error
        yield replace(routed, line=number)


def _key(name: msgspec.Raw) -> bytes | None:
    """Return the bytes of a JSON string; None if it is empty or something else, which only raw lines can be."""
    try:
        return msgspec.json.decode(name, type=str).encode() or None
    except ValueError:
        return None


def _no_event(detail: str) -> PublishError:
    return PublishError(f"no event: {detail}", remedy="Mend the line, or send the file as it is with --raw.")


def read_lines(source: Path | BinaryIO) -> Iterator[tuple[int, bytes]]:
    r"""Yield the lines that are not blank with their numbers, from 1, without `\n`; gzip is seen by name or content.

    A stream that is given is left open.

    Raises:
        PublishError: The file cannot be read, or breaks off within its compressed content.
    """
    name = str(source) if isinstance(source, Path) else "The input"
    try:
        with source.open("rb") if isinstance(source, Path) else nullcontext(source) as stream:
            for number, line in enumerate(_plain(stream, name), start=1):
                if line.strip():
                    yield number, line.removesuffix(b"\n")
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise PublishError(f"{name} is not sound gzip: {error}.", remedy="Compress or copy it again.") from error
    except OSError as error:
        raise PublishError(
            f"{name} cannot be read: {error.strerror or error}.", remedy="Name a file that is there, or - for stdin."
        ) from error


def _plain(stream: BinaryIO, name: str) -> Iterable[bytes]:
    buffered = stream if isinstance(stream, io.BufferedReader) else io.BufferedReader(cast("io.RawIOBase", stream))
    if name.endswith(".gz") or buffered.peek(len(_GZIP_MAGIC)).startswith(_GZIP_MAGIC):
        return gzip.GzipFile(fileobj=buffered)
    return buffered
