"""Decoding read a second time from the rules, with the standard library's json alone and no thought for speed.

How long free JSON is as received is the one rule that this reading leaves out.
"""

from __future__ import annotations

import json
import re
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

Headers = tuple[tuple[str, bytes | None], ...]


@dataclass(frozen=True)
class Number:
    """A number as it was written."""

    text: str


class Members(list[tuple[str, Any]]):
    """An object with its repeated keys."""

    def last(self) -> dict[str, Any]:
        return dict(self)


Path = str
LIMITS = {"correlation_id": 255, "event_id": 255, "entity_id": 255, "workflow_id": 255, "fsm_type": 50, "action": 50,
          "from_state": 50, "to_state": 50, "operation_type": 50, "step": 100}  # fmt: skip
KINDS = {"STARTED", "STEP_STARTED", "STEP_COMPLETED", "STEP_FAILED", "PAUSED", "RESUMED", "COMPLETED", "FAILED",
         "RETRIED"}  # fmt: skip
SHARED = ("correlation_id", "event_id", "occurred_at", "entity_id", "error_message", "metadata", "lease")
FIELDS = {
    "transition": (*SHARED, "fsm_type", "action", "from_state", "to_state", "success"),
    "workflow": (*SHARED, "workflow_id", "kind", "operation_type", "step", "input_payload", "output_results"),
}

ATTRIBUTES = {"id": "event_id", "time": "occurred_at", "correlationid": "correlation_id"}
BASE64 = re.compile("([A-Za-z0-9+/]{4})*([A-Za-z0-9+/][AQgw]==|[A-Za-z0-9+/]{2}[AEIMQUYcgkosw048]=)?")


def refuse(text: str) -> Any:  # noqa: ANN401 - what json wants of it
    raise ValueError(text)


def parsed(text: str) -> Any:  # noqa: ANN401 - any JSON
    return json.loads(text, object_pairs_hook=Members, parse_int=Number, parse_float=Number, parse_constant=refuse)


def strings(tree: object) -> Iterator[str]:
    match tree:
        case str():
            yield tree
        case Members():
            for key, value in tree:
                yield key
                yield from strings(value)
        case list():
            for value in tree:
                yield from strings(value)
        case _:
            pass


def depth(tree: object) -> int:
    match tree:
        case Members():
            return 1 + max((depth(value) for _, value in tree), default=0)
        case list():
            return 1 + max(map(depth, tree), default=0)
        case _:
            return 0


def instant(text: object) -> datetime | None:
    found = re.fullmatch(r"([0-9-]{10})[Tt ]([0-9:]{8})(\.[0-9]+)?(?:[zZ]|([+-])([0-9]{2}):([0-9]{2}))", str(text))
    if not isinstance(text, str) or found is None:
        return None
    day, clock, fraction, sign, hours, minutes = found.groups()
    if int(hours or 0) > 23 or int(minutes or 0) > 59:
        return None
    try:
        exact = datetime.strptime(f"{day} {clock} +0000", "%Y-%m-%d %H:%M:%S %z")
        microseconds = int(Decimal(fraction or 0) * 10**6 + Decimal("0.5"))
        offset = timedelta(hours=int(hours or 0), minutes=int(minutes or 0)) * (-1 if sign == "-" else 1)
        exact += timedelta(microseconds=microseconds) - offset
    except (ValueError, OverflowError):
        return None
    return exact if 1970 <= exact.year <= 2200 else None


def free_json_fits(tree: object) -> bool:
    def members(inner: object) -> int:
        match inner:
            case Members():
                return sum(1 + members(value) for _, value in inner)
            case list():
                return sum(1 + members(value) for value in inner)
            case Number():
                before, _, after = format(Decimal(inner.text), "f").removeprefix("-").partition(".")
                return 0 if len(before.lstrip("0")) + len(after) <= 1000 else 10_000
            case _:
                return 0

    return members(tree) <= 1000 and not any("\0" in text for text in strings(tree))


def text_fits(value: object, longest: int) -> bool:
    return isinstance(value, str) and 1 <= len(value) <= longest and "\0" not in value


def lease_faults(lease: object) -> set[Path]:
    if not isinstance(lease, Members):
        return {"lease"}
    last, faults = lease.last(), set()
    if not text_fits(last.get("lease_id"), 255):
        faults.add("lease.lease_id")
    epoch = last.get("lease_epoch")
    written = epoch.text if isinstance(epoch, Number) else ""
    if re.fullmatch("-?[0-9]+", written) is None or not 0 <= Decimal(written) < 2**63:
        faults.add("lease.lease_epoch")
    return faults


def fits(name: str, value: object) -> bool:
    if name in LIMITS:
        return text_fits(value, LIMITS[name])
    match name:
        case "occurred_at":
            return instant(value) is not None
        case "success":
            return isinstance(value, bool)
        case "error_message":
            return isinstance(value, str) and "\0" not in value and len(value.encode()) <= 8192
        case "kind":
            return isinstance(value, str) and value in KINDS
        case "metadata":
            return isinstance(value, Members) and free_json_fits(value)
        case _:
            return free_json_fits(value)


def whole(text: bytes) -> Members | None:
    """The object that a text is, None if it is none."""
    try:
        tree = parsed(text.decode())
        "".join(strings(tree)).encode()
    except (ValueError, RecursionError):
        return None
    return tree if isinstance(tree, Members) and depth(tree) <= 64 else None


def present(tree: Members) -> dict[str, Any]:
    return {name: member for name, member in tree.last().items() if member is not None}


def carried(envelope: dict[str, Any]) -> Members | Path:
    """What a structured envelope carries, or the path of what is wrong with that."""
    if "data_base64" not in envelope:
        return data if isinstance(data := envelope.get("data"), Members) else "data"
    encoded = envelope["data_base64"]
    if "data" in envelope or not isinstance(encoded, str) or not BASE64.fullmatch(encoded):
        return "data_base64"
    return data if (data := whole(b64decode(encoded))) is not None else "data_base64"


def opened(record: Members, headers: Headers) -> tuple[Members | Path, dict[str, Any], str]:
    """The event's own members, the envelope's attributes, and what stands before their names."""
    beside = {name.lower(): octets for name, octets in headers}
    media_type = re.match(rb"\s*([^;]*?)\s*(;|$)", beside.get("content-type") or b"")
    if "specversion" in (own := present(record)) or (
        media_type is not None and media_type[1].lower() == b"application/cloudevents+json"
    ):
        return carried(own), own, ""
    attributes: dict[str, Any] = {}
    for name, octets in beside.items():
        if name.startswith("ce_") and octets is not None:
            try:
                attributes[name[3:]] = octets.decode()
            except ValueError:
                attributes[name[3:]] = octets  # fits no rule
    return record, attributes, "ce_"


def reference(sort: str, value: bytes, headers: Headers = ()) -> str | set[Path] | dict[str, Any]:
    """`malformed`, the paths that break their rule, or the members that count."""
    record = whole(value)
    if record is None:
        return "malformed"
    event, attributes, prefix = opened(record, headers)
    faults = {prefix + "specversion"} if attributes.get("specversion", "1.0") != "1.0" else set()
    given = {ATTRIBUTES[name]: (prefix + name, attributes[name]) for name in ATTRIBUTES.keys() & attributes.keys()}
    faults |= {path for field, (path, member) in given.items() if not fits(field, member)}
    if isinstance(event, Path):
        return faults | {event}
    fields = {name: member for name, member in present(event).items() if name in FIELDS[sort] and name not in given}
    required = {"correlation_id", "occurred_at"} - given.keys()
    required |= {"fsm_type", "entity_id", "action"} if sort == "transition" else {"workflow_id", "kind"}
    kind = fields.get("kind")
    if kind == "STARTED":
        required |= {"operation_type", "entity_id"}
    if isinstance(kind, str) and kind.startswith("STEP_"):
        required.add("step")
    faults |= required - fields.keys()
    for name, member in fields.items():
        if name == "lease":
            faults |= lease_faults(member)
        elif not fits(name, member):
            faults.add(name)
    if isinstance(lease := fields.get("lease"), Members) and not faults:
        fields["lease"] = {
            "lease_id": lease.last()["lease_id"],
            "lease_epoch": int(lease.last()["lease_epoch"].text),
        }
    return faults or fields | {name: member for name, (_, member) in given.items()}
