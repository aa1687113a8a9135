"""The one parser of times: RFC 3339 text to a UTC datetime with microseconds, in the years 1970 to 2200."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

_RFC3339 = re.compile(
    r"\d{4}-\d\d-\d\d[Tt ](?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.(\d+))?(?:[Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d)", re.ASCII
)
_FIRST = datetime(1970, 1, 1, tzinfo=UTC)
_LAST = datetime(2200, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)
_MICROSECOND_DIGITS = 6
_RULE = "must be an RFC 3339 time with seconds and an offset, as in 2026-01-31T12:00:00Z"


def parse_time(text: str) -> datetime:
    """The instant that `text` names, rounded half up to microseconds.

    Raises:
        ValueError: with what the rule is; never with the text itself.
    """
    found = _RFC3339.fullmatch(text)
    if found is None:
        raise ValueError(_RULE)
    fraction = found[1]
    try:
        if fraction is None or len(fraction) <= _MICROSECOND_DIGITS:
            instant = datetime.fromisoformat(text.upper())
        else:
            end = found.start(1) + _MICROSECOND_DIGITS
            instant = datetime.fromisoformat(text[:end] + text[found.end(1) :].upper())
            instant += timedelta(microseconds=text[end] >= "5")
        if instant.tzinfo is not UTC:
            instant = instant.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(f"{_RULE}; this is no instant of the calendar") from None
    if not _FIRST <= instant <= _LAST:
        raise ValueError("must lie in the years 1970 to 2200 (UTC)")
    return instant


def format_time(instant: datetime) -> str:
    """The instant in UTC as `2026-01-31T12:00:00.000000Z`, always with six digits."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def milliseconds_between(earlier: datetime, later: datetime) -> float | None:
    """Whole microseconds divided by 1000 as a double; None if `later` comes before `earlier`."""
    delta = later - earlier
    if delta.days < 0:
        return None
    return ((delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds) / 1000


def seconds_between(earlier: datetime, later: datetime) -> float | None:
    """Seconds with their microseconds; None if `later` comes before `earlier`."""
    delta = later - earlier
    return None if delta.days < 0 else delta.total_seconds()
