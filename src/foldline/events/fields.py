"""The fields that events are made of, each with its rule; editors show these texts. The rules are those of the core."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import Raw
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer
from pydantic.functional_validators import AfterValidator

from foldline.core.decode import MAX_ERROR_MESSAGE_BYTES
from foldline.core.events import Kind
from foldline.core.freejson import MAX_BYTES, MAX_DIGITS, MAX_MEMBERS, free_json_fault, text_fault
from foldline.core.times import format_time, parse_time
from foldline.events.exact import parsed, rounded, written

_NO_NUL = r"^[^\u0000]*$"
_MAX_EPOCH = 2**63 - 1

# Years to which an offset or rounding leads from 1970 to 2200 are left to the decoder.
_TIME = (
    r"^(19(69|[7-9][0-9])|2[01][0-9]{2}|220[01])-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])[Tt ]"
    r"([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]+)?([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$"
)
FREE_JSON_LIMITS = (
    f"At most {MAX_BYTES // 1024} KiB as written, {MAX_MEMBERS:,} keys and array elements in all; no NUL in a key or a "
    f"string; numbers, kept exactly, of at most {MAX_DIGITS:,} digits when written without an exponent."
)


def _instant(value: object) -> object:
    if isinstance(value, str):
        return parse_time(value)
    if not isinstance(value, datetime):
        return value
    if value.utcoffset() is None:
        raise ValueError("must have a time zone, as datetime.now(UTC) has")
    try:
        return parse_time(format_time(value))
    except OverflowError:
        raise ValueError("must lie in the years 1970 to 2200 (UTC)") from None


def _kind(value: object) -> object:
    if isinstance(value, str) and value not in Kind.__members__:  # named as they are written
        raise ValueError(f"must be one of {', '.join(Kind)}")
    return Kind(value) if isinstance(value, str) else value


def _true_if_absent(value: object) -> object:
    return True if value is None else value


def _short_enough(text: str | None) -> str | None:
    if text is not None and len(text.encode()) > MAX_ERROR_MESSAGE_BYTES:
        raise ValueError(f"must have at most {MAX_ERROR_MESSAGE_BYTES // 1024} KiB of UTF-8")
    return text


def _free_json(value: object) -> object:
    text = bytes(value) if isinstance(value, Raw) else written(value).encode()
    fault = text_fault(b"[%b]" % text)  # the event's own brackets count
    if fault is None:
        msgspec.json.decode(text, type=Raw)
        fault = free_json_fault(text)
    if fault is not None:
        raise ValueError(fault)
    return parsed(text.decode())


Text50 = Annotated[str, Field(min_length=1, max_length=50, pattern=_NO_NUL)]
Text100 = Annotated[str, Field(min_length=1, max_length=100, pattern=_NO_NUL)]
Text255 = Annotated[str, Field(min_length=1, max_length=255, pattern=_NO_NUL)]


class Lease(BaseModel):
    """A fencing token: who acts, and under which epoch.

    >>> Lease(lease_id="worker-7", lease_epoch=3)
    Lease(lease_id='worker-7', lease_epoch=3)
    """

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, hide_input_in_errors=True)

    lease_id: Text255 = Field(description="Who holds the lease; 1 to 255 characters.", examples=["worker-7"])
    lease_epoch: int = Field(
        ge=0,
        le=_MAX_EPOCH,
        description="Grows whenever the lease changes hands; written without a point.",
        examples=[3],
    )


CorrelationId = Annotated[
    Text255,
    Field(
        description="What the event belongs to, as a request or an order; 1 to 255 characters.", examples=["order-1001"]
    ),
]
EventId = Annotated[
    Text255 | None,
    Field(
        description="Makes the event the same event when it comes again; 1 to 255 characters. Recommended: without it "
        "one is derived from the other fields, and a real second event that says the same is taken for a duplicate.",
        examples=["6f2d7c1e-5a0b-4c3d-9e8f-0123456789ab"],
    ),
]
OccurredAt = Annotated[
    datetime,
    BeforeValidator(_instant, json_schema_input_type=Annotated[str, Field(pattern=_TIME)]),
    Field(
        description="When it happened: an RFC 3339 time with seconds and an offset, in the years 1970 to 2200; "
        "rounded to microseconds.",
        examples=["2026-01-31T12:00:00Z"],
        json_schema_extra={"format": "date-time"},
    ),
]
ErrorMessage = Annotated[
    Annotated[str, Field(max_length=MAX_ERROR_MESSAGE_BYTES, pattern=_NO_NUL)] | None,
    AfterValidator(_short_enough),
    Field(
        description=f"What went wrong; at most {MAX_ERROR_MESSAGE_BYTES // 1024} KiB of UTF-8.",
        examples=["the document is empty"],
    ),
]
Success = Annotated[bool, BeforeValidator(_true_if_absent, json_schema_input_type=bool | None)]
WorkflowKind = Annotated[
    Kind,
    BeforeValidator(_kind, json_schema_input_type=Annotated[str, Field(json_schema_extra={"enum": [*Kind]})]),
]
_AsJson = PlainSerializer(rounded, when_used="json-unless-none")  # pydantic would write a Decimal as a string
Metadata = Annotated[
    Mapping[str, Any] | None,
    _AsJson,
    BeforeValidator(_free_json, json_schema_input_type=Annotated[dict[str, Any], Field(max_length=MAX_MEMBERS)] | None),
    Field(description=f"What else to keep of the event, by name. {FREE_JSON_LIMITS}", examples=[{"source": "upload"}]),
]
Payload = Annotated[Any, _AsJson, BeforeValidator(_free_json, json_schema_input_type=Any)]
Token = Annotated[
    Lease | None,
    Field(
        description="The fencing token of the actor that causes the event: an epoch older than one seen is rejected."
    ),
]
