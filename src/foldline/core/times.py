"""The one parser of times: RFC 3339 text to a UTC datetime with microseconds, in the years 1970 to 2200."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

_RFC3339 = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:[Zz]|([+-])([01]\d|2[0-3]):([0-5]\d))",
    re.ASCII,
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
    year, month, day, hour, minute, second, fraction, sign, offset_hours, offset_minutes = found.groups()
    try:
        instant = datetime(int(year), int(month), int(day), int(hour), int(minute), int(second), tzinfo=UTC)
        if fraction is not None:
            instant += timedelta(microseconds=_microseconds(fraction))
        if sign is not None:
            offset = timedelta(hours=int(offset_hours), minutes=int(offset_minutes))
            instant = instant - offset if sign == "+" else instant + offset
    except (ValueError, OverflowError):
        raise ValueError(f"{_RULE}; this is no instant of the calendar") from None
    if not _FIRST <= instant <= _LAST:
        raise ValueError("must lie in the years 1970 to 2200 (UTC)")
    return instant


def _microseconds(fraction: str) -> int:
    if len(fraction) <= _MICROSECOND_DIGITS:
        return int(fraction.ljust(_MICROSECOND_DIGITS, "0"))
    return int(fraction[:_MICROSECOND_DIGITS]) + (fraction[_MICROSECOND_DIGITS] >= "5")


def format_time(instant: datetime) -> str:
    """The instant in UTC as `2026-01-31T12:00:00.000000Z`, always with six digits."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def milliseconds_between(earlier: datetime, later: datetime) -> float | None:
    """Whole microseconds divided by 1000 as a double; None if `later` comes before `earlier`."""
    delta = later - earlier
    if delta.days < 0:
        return None
    return ((delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds) / 1000
