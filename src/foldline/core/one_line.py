"""A record's event as one line of JSON, from which publishing makes a record that decodes to the same event.

Every member keeps its text, each digit of a number included. An envelope that is not all in the value (binary mode, or
structured by the content type alone) becomes one that is, for a line has no headers. What cannot be decoded is not
mended here: it comes back as it was, as far as it is a JSON object.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping

import msgspec

from foldline.core.cloudevents import CONTENT_TYPE, PREFIX, SPECVERSION, envelope_headers, is_envelope
from foldline.core.events import Headers
from foldline.core.freejson import text_fault
from foldline.core.members import Fault, object_in

_DATA = frozenset({"data", "data_base64"})


def line_of(value: bytes | None, headers: Headers) -> bytes | None:
    """The line, without its end; None for what is no JSON object in UTF-8, or has an attribute that is no text."""
    if value is None:
        return None
    try:
        members = object_in(value)
    except Fault:
        return None
    line = value.translate(_BLANKS).strip()  # the grammar admits no line break within a string
    envelope = envelope_headers(headers)
    if not envelope or is_envelope(members):
        return line
    if CONTENT_TYPE in envelope:
        return line[:-1] + (b", " if members else b"") + b'"specversion": "1.0"}'
    try:
        attributes = {name.removeprefix(PREFIX): text.decode() for name, text in envelope.items()}
    except UnicodeDecodeError:
        return None
    return _structured(attributes, line)


_BLANKS = bytes.maketrans(b"\r\n", b"  ")


def _structured(attributes: Mapping[str, str], data: bytes) -> bytes:
    named = {SPECVERSION: "1.0", **{name: text for name, text in attributes.items() if name not in _DATA}}
    head = msgspec.json.encode(named)[:-1]
    line = head + b', "data": ' + data + b"}"
    if text_fault(line) is None:
        return line
    return head + b', "data_base64": "' + b64encode(data) + b'"}'  # inside it depth counts afresh
