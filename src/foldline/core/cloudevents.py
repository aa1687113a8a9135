"""CloudEvents 1.0: the members of the event in an envelope, as if it had come plain.

*Structured*: the value is the envelope, an object with the event in its `data` or `data_base64`. Its content type says
so, or a `specversion` in it, whatever other headers repeat. *Binary*: else, the value is the event, and headers that
begin with `ce_` are the envelope. Header names count in any case, and the last of a repeated one counts, like a key.

Three attributes belong to the event, and the envelope's word replaces the data's own, which is then not looked at. What
is wrong with one is said here, under the name that its publisher wrote. No other attribute is read, but a `specversion`
that is not 1.0 is refused: what another version means by the rest, nobody knows today. The envelope may lack every
attribute that CloudEvents demands and an event does not, `specversion` itself included.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Mapping

import msgspec
from msgspec import Raw

from foldline.core.events import Headers
from foldline.core.members import ABSENT, Fault, Members, Text255, members_of, object_in, read_member
from foldline.core.times import parse_time

SPECVERSION = "specversion"

CONTENT_TYPE = "content-type"
_STRUCTURED = b"application/cloudevents+json"
PREFIX = "ce_"
_FIELDS = {"id": "event_id", "time": "occurred_at", "correlationid": "correlation_id"}
_text = msgspec.json.Decoder(str)
_text255 = msgspec.json.Decoder(Text255)


def envelope_headers(headers: Headers) -> Mapping[str, bytes]:
    """Those of a record's headers that make it a CloudEvent: attributes, and the content type of structured mode."""
    last = {name.lower(): value for name, value in headers}
    return {
        name: value
        for name, value in last.items()
        if value is not None and (name.startswith(PREFIX) or (name == CONTENT_TYPE and _says_structured(value)))
    }


def is_envelope(members: Members) -> bool:
    """Whether a record's value is an envelope by its own word."""
    return members.get(SPECVERSION, ABSENT) != ABSENT


def event_members(members: Members, headers: Mapping[str, bytes]) -> Members:
    """The members of the event, of those of a record's value and the `envelope_headers` beside it. Raises `Fault`."""
    if CONTENT_TYPE in headers or is_envelope(members):
        given = _attributes(members)
        return data_members(members) | given
    names = [name for name in (SPECVERSION, *_FIELDS) if PREFIX + name in headers]
    return members | _attributes({name: _as_json(headers[PREFIX + name], name) for name in names}, PREFIX)


def data_members(envelope: Members) -> Members:
    """The members of what a structured envelope carries. Raises `Fault`."""
    data, encoded = envelope.get("data", ABSENT), envelope.get("data_base64", ABSENT)
    if encoded == ABSENT:
        if data == ABSENT:
            raise Fault("invalid", "data: required")
        return members_of(data, "data")
    if data != ABSENT:
        raise Fault("invalid", "data_base64: stands beside data, and only one of them can be the event")
    return object_in(_decoded(read_member(encoded, _text, "data_base64")), "data_base64")


def _attributes(envelope: Members, prefix: str = "") -> Members:
    """The fields of the event that the envelope gives."""
    _refuse_other_version(envelope.get(SPECVERSION, ABSENT), prefix)
    given = {name: envelope[name] for name in _FIELDS if envelope.get(name, ABSENT) != ABSENT}
    for name, raw in given.items():
        text = read_member(raw, _text if name == "time" else _text255, prefix + name)
        if name == "time":
            _refuse_no_time(text, prefix + name)
    return {_FIELDS[name]: raw for name, raw in given.items()}


def _decoded(text: str) -> bytes:
    try:
        octets = b64decode(text)
    except ValueError:
        octets = b""
    if b64encode(octets).decode() != text:  # what else is let pass differs from Python to Python
        raise Fault("invalid", "data_base64: not base64 as in RFC 4648, section 4")
    return octets


def _refuse_other_version(raw: Raw, prefix: str) -> None:
    try:
        fits = raw == ABSENT or _text.decode(raw) == "1.0"
    except msgspec.ValidationError:
        fits = False
    if not fits:
        raise Fault("invalid", f'{prefix}{SPECVERSION}: must be "1.0"')


def _refuse_no_time(text: str, path: str) -> None:
    try:
        parse_time(text)
    except ValueError as error:
        raise Fault("invalid", f"{path}: {error}") from None


def _as_json(header: bytes, name: str) -> Raw:
    try:
        return Raw(msgspec.json.encode(header.decode()))
    except UnicodeDecodeError:
        raise Fault("invalid", f"{PREFIX}{name}: not UTF-8") from None


def _says_structured(content_type: bytes) -> bool:
    return content_type.partition(b";")[0].strip().lower() == _STRUCTURED
