"""From a file of JSON lines to routed records: each line keeps its bytes, and goes where its event belongs."""

from __future__ import annotations

import gzip
import io
import zlib
from base64 import b64decode
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

import msgspec

from foldline.core.decode import decode_transition, decode_workflow
from foldline.core.events import Undecodable
from foldline.errors import PublishError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from foldline.core.events import TransitionEvent, WorkflowEvent

_GZIP_MAGIC = b"\x1f\x8b"
_ABSENT = msgspec.Raw(b"null")


@dataclass(frozen=True, slots=True)
class Routed:
    """A record on its way to a topic. `line` is its number in the file it came from, for messages to people."""

    topic: str
    key: bytes | None
    value: bytes
    headers: tuple[tuple[str, bytes], ...] = ()
    line: int | None = None


class _Address(msgspec.Struct):
    """The members of an event that decide where it goes, and those of an envelope that may hold it.

    They are kept as they came: of a repeated one the last counts, whatever stood in the earlier.
    """

    fsm_type: msgspec.Raw = _ABSENT
    entity_id: msgspec.Raw = _ABSENT
    workflow_id: msgspec.Raw = _ABSENT
    specversion: msgspec.Raw = _ABSENT
    data: msgspec.Raw = _ABSENT
    data_base64: msgspec.Raw = _ABSENT


_NOWHERE = _Address()


def route(line: bytes, *, transition_topic: str, workflow_topic: str, raw: bool) -> Routed:
    """Return the record that `line` becomes; its value is `line`, byte for byte.

    An event with `fsm_type` goes to the transition topic keyed by `entity_id`, else one with `workflow_id` to the
    workflow topic keyed by that. With `raw`, a line that says neither goes to the transition topic without a key, and
    nothing else is asked of it.

    Raises:
        PublishError: Without `raw`, the line is not an event that a worker could decode.
    """
    address = _address(line)
    decode: Callable[[bytes], TransitionEvent | WorkflowEvent | Undecodable]
    if address.fsm_type != _ABSENT:
        topic, name, decode = transition_topic, address.entity_id, decode_transition
    elif address.workflow_id != _ABSENT:
        topic, name, decode = workflow_topic, address.workflow_id, decode_workflow
    elif raw:
        return Routed(transition_topic, None, line)
    else:
        raise _no_event(_why_nowhere(line))
    if not raw and isinstance(verdict := decode(line), Undecodable):
        raise _no_event(verdict.detail)
    return Routed(topic, _key(name), line)


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


def _address(line: bytes) -> _Address:
    """Return what the line says of its way: for an envelope what is in it, and nothing where nothing can be read."""
    try:
        address = msgspec.json.decode(line, type=_Address)
        if address.specversion == _ABSENT:
            return address
        return msgspec.json.decode(_content(address), type=_Address)
    except (ValueError, RecursionError):
        return _NOWHERE


def _content(envelope: _Address) -> bytes:
    if envelope.data_base64 == _ABSENT:
        return bytes(envelope.data)
    return b64decode(msgspec.json.decode(envelope.data_base64, type=str))


def _key(name: msgspec.Raw) -> bytes | None:
    """Return the bytes of a JSON string; None if it is empty or something else, which only raw lines can be."""
    try:
        return msgspec.json.decode(name, type=str).encode() or None
    except ValueError:
        return None


def _why_nowhere(line: bytes) -> str:
    verdict = decode_transition(line)
    if isinstance(verdict, Undecodable) and verdict.reason == "malformed":
        return verdict.detail
    return "it has neither fsm_type nor workflow_id"


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
