"""The framing of PostgreSQL's protocol 3.0: one direction of one connection, cut into messages as the bytes come.

A message is a type byte, a length that counts itself, and a body. Only what a client says first has no type. Without
encryption: whoever connects asks for none (`sslmode=disable`, `gssencmode=disable`).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

_LENGTH = 4
_PROTOCOL = 3


class FramingError(ValueError):
    """These bytes are not protocol 3.0 in the clear."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message; `kind` is empty for the first of a client. `raw` is all of it, as it came."""

    kind: bytes
    body: bytes
    raw: bytes


class Cutter:
    """Cuts a stream into whole messages. `opening`: it begins with a message without a type, as a client's does."""

    def __init__(self, *, opening: bool) -> None:
        self._opening = opening
        self._rest = b""

    def feed(self, octets: bytes) -> list[Message]:
        """The messages that are whole with these bytes; what is not yet whole waits for more.

        Raises:
            FramingError: A first message of another protocol, such as a request for encryption.
        """
        self._rest += octets
        messages, at = [], 0
        while (end := self._end(at)) is not None:
            raw = self._rest[at:end]
            if self._opening:
                self._opening = False
                if struct.unpack_from("!H", raw, _LENGTH) != (_PROTOCOL,):
                    raise FramingError("only protocol 3.0 without encryption is understood")
                messages.append(Message(b"", raw[_LENGTH:], raw))
            else:
                messages.append(Message(raw[:1], raw[1 + _LENGTH :], raw))
            at = end
        self._rest = self._rest[at:]
        return messages

    def _end(self, at: int) -> int | None:
        start = at if self._opening else at + 1
        if len(self._rest) < start + _LENGTH:
            return None
        (length,) = struct.unpack_from("!I", self._rest, start)
        end: int = start + length
        return end if len(self._rest) >= end else None


@dataclass(frozen=True, slots=True)
class Bound:
    """What a Bind message says: the portal, the prepared statement, and every parameter with whether it is binary."""

    portal: str
    statement: str
    parameters: tuple[tuple[bytes | None, bool], ...]

    def number(self, index: int) -> int:
        """An integer parameter, counted from 0."""
        octets, binary = self.parameters[index]
        assert octets is not None, "it is not NULL"
        return int.from_bytes(octets, "big", signed=True) if binary else int(octets)


def parsed(message: Message) -> tuple[str, str]:
    """The name and the text of the statement that a Parse message (P) prepares."""
    name, _, rest = message.body.partition(b"\0")
    return name.decode(), rest.partition(b"\0")[0].decode()


def queried(message: Message) -> str:
    """The text of a simple Query (Q), and the tag of a CommandComplete (C)."""
    return message.body.partition(b"\0")[0].decode()


def executed(message: Message) -> str:
    """The portal that an Execute message (E) runs."""
    return queried(message)


def bound(message: Message) -> Bound:
    """A Bind message (B), read."""
    portal, _, rest = message.body.partition(b"\0")
    statement, _, rest = rest.partition(b"\0")
    (count,) = struct.unpack_from("!H", rest)
    formats = struct.unpack_from(f"!{count}H", rest, 2)
    at = 2 + 2 * count
    (count,) = struct.unpack_from("!H", rest, at)
    at += 2
    parameters: list[tuple[bytes | None, bool]] = []
    for index in range(count):
        (length,) = struct.unpack_from("!i", rest, at)
        at += 4
        octets = None if length < 0 else rest[at : at + length]
        at += max(length, 0)
        binary = bool(formats[index if len(formats) > 1 else 0]) if formats else False
        parameters.append((octets, binary))
    return Bound(portal.decode(), statement.decode(), tuple(parameters))


def backend_pid(message: Message) -> int:
    """The process that serves this connection, as its BackendKeyData (K) says."""
    (pid,) = struct.unpack_from("!I", message.body)
    number: int = pid
    return number
