"""JSON objects member by member, each as it stands; of a repeated name the last one counts."""

from __future__ import annotations

from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta, Raw

from foldline.core.events import Kind, Undecodable
from foldline.core.freejson import text_fault

Members = dict[str, Raw]
ABSENT = Raw(b"null")
Text255 = Annotated[str, Meta(min_length=1, max_length=255)]

_Member = TypeVar("_Member")
_members = msgspec.json.Decoder(Members)


class Fault(Exception):  # noqa: N818 - never leaves decoding; the caller gets its verdict
    """Why a record is no event."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.verdict = Undecodable(reason, detail)


def object_in(text: bytes, path: str = "") -> Members:
    """The members of the object that a whole text is: a record's value, or what the member at `path` encodes.

    Raises:
        Fault: `malformed`, or `invalid` if it is about a member.
    """
    fault = text_fault(text)
    if fault is not None:
        raise _fault(path, fault)
    return members_of(text, path)


def members_of(value: bytes | Raw, path: str = "") -> Members:
    """The members of an object, for whose text nothing is checked beyond its grammar. Raises `Fault` as `object_in`."""
    try:
        return _members.decode(value)
    except msgspec.ValidationError:
        raise _fault(path, "must be an object" if path else "not a JSON object") from None
    except msgspec.DecodeError as error:
        raise _fault(path, f"not JSON: {error}") from None
    except RecursionError:
        raise _fault(path, "nested too deep") from None


def read_member(raw: Raw, decoder: msgspec.json.Decoder[_Member], path: str) -> _Member:
    """One member by its rule; a string without NUL. Raises `Fault`."""
    try:
        member = decoder.decode(raw)
    except msgspec.ValidationError as error:
        raise Fault("invalid", f"{path}: {_rule(error)}") from None
    if isinstance(member, str) and "\0" in member:
        raise Fault("invalid", f"{path}: a NUL character (\\u0000)")
    return member


def _fault(path: str, why: str) -> Fault:
    return Fault("invalid", f"{path}: {why}") if path else Fault("malformed", why)


def _rule(error: msgspec.ValidationError) -> str:
    text = str(error).partition(" - at ")[0]
    if text.startswith("Invalid enum value"):  # it would go on with the value
        return f"must be one of {', '.join(Kind)}"
    return text.replace("Expected", "expected").replace(" | null", "")
