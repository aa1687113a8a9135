"""Times: what RFC 3339 text is admitted, which instant it names, how it is written and what lies between two."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foldline.core.times import format_time, milliseconds_between, parse_time

INSTANTS = [
    ("2026-01-31T12:00:00Z", "2026-01-31T12:00:00.000000Z"),
    ("2026-01-31t12:00:00z", "2026-01-31T12:00:00.000000Z"),
    ("2026-01-31 12:00:00Z", "2026-01-31T12:00:00.000000Z"),
    ("2026-01-31T12:00:00.5Z", "2026-01-31T12:00:00.500000Z"),
    ("2026-01-31T12:00:00.000001Z", "2026-01-31T12:00:00.000001Z"),
    ("2026-01-31T12:00:00+00:00", "2026-01-31T12:00:00.000000Z"),
    ("2026-01-31T12:00:00-00:00", "2026-01-31T12:00:00.000000Z"),
    ("2026-01-31T12:00:00+05:30", "2026-01-31T06:30:00.000000Z"),
    ("2026-01-31T12:00:00-23:59", "2026-02-01T11:59:00.000000Z"),
    ("2026-01-31T12:00:00+23:59", "2026-01-30T12:01:00.000000Z"),
    ("2028-02-29T00:00:00Z", "2028-02-29T00:00:00.000000Z"),
    # half up, and where that carries to
    ("2026-01-31T12:00:00.0000005Z", "2026-01-31T12:00:00.000001Z"),
    ("2026-01-31T12:00:00.0000015Z", "2026-01-31T12:00:00.000002Z"),
    ("2026-01-31T12:00:00.0000025Z", "2026-01-31T12:00:00.000003Z"),
    ("2026-01-31T12:00:00.00000049999999999999999999Z", "2026-01-31T12:00:00.000000Z"),
    ("2026-01-31T12:00:00.9999994Z", "2026-01-31T12:00:00.999999Z"),
    ("2026-01-31T12:00:00.9999995Z", "2026-01-31T12:00:01.000000Z"),
    ("2026-12-31T23:59:59.9999995Z", "2027-01-01T00:00:00.000000Z"),
    ("2026-01-31T12:00:00." + "9" * 10_000 + "Z", "2026-01-31T12:00:01.000000Z"),
    # the edges, in UTC and after rounding
    ("1970-01-01T00:00:00Z", "1970-01-01T00:00:00.000000Z"),
    ("1969-12-31T23:59:59.9999995Z", "1970-01-01T00:00:00.000000Z"),
    ("1969-12-31T23:00:00-01:00", "1970-01-01T00:00:00.000000Z"),
    ("2200-12-31T23:59:59.9999994Z", "2200-12-31T23:59:59.999999Z"),
    ("2201-01-01T00:59:59+01:00", "2200-12-31T23:59:59.000000Z"),
]

NO_TIMES = [
    "",
    "now",
    "infinity",
    "1769860800",
    "2026-01-31",
    "2026-01-31T12:00:00",
    "2026-01-31T12:00Z",
    "2026-01-31T12Z",
    "20260131T120000Z",
    "2026-W05-6T12:00:00Z",
    "2026-031T12:00:00Z",
    "2026-01-31T12:00:00.Z",
    "2026-01-31T12:00:00,5Z",
    "2026-01-31T12:00:00 Z",
    "2026-01-31  12:00:00Z",
    "2026-01-31_12:00:00Z",
    "2026-01-31\t12:00:00Z",
    "2026-01-31T12:00:00+01",
    "2026-01-31T12:00:00+0100",
    "2026-01-31T12:00:00+1:00",
    "2026-01-31T12:00:00+24:00",
    "2026-01-31T12:00:00+00:60",
    "2026-01-31T12:00:00\N{MINUS SIGN}01:00",
    "2026-01-31T12:00:00+01:00:00",
    "2026-01-31T12:00:00UTC",
    "2026-01-31T12:00:00ZZ",
    " 2026-01-31T12:00:00Z",
    "2026-01-31T12:00:00Z ",
    "2026-01-31T12:00:00Z\n",
    "+2026-01-31T12:00:00Z",
    "-2026-01-31T12:00:00Z",
    "12026-01-31T12:00:00Z",
    "226-01-31T12:00:00Z",
    "\N{ARABIC-INDIC DIGIT TWO}026-01-31T12:00:00Z",
    "2026-01-31T12:00:0\N{FULLWIDTH DIGIT ONE}Z",
    # no instant of the calendar
    "2026-01-31T24:00:00Z",
    "2026-12-31T23:59:60Z",
    "2016-12-31T23:59:60Z",
    "2026-01-31T12:60:00Z",
    "2026-02-29T12:00:00Z",
    "2026-00-31T12:00:00Z",
    "2026-13-31T12:00:00Z",
    "2026-01-00T12:00:00Z",
    "0000-01-01T00:00:00Z",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-14:00",
    "9999-12-31T23:59:59.9999999Z",
    # outside 1970 to 2200
    "1969-12-31T23:59:59.9999994Z",
    "1970-01-01T00:59:59+01:00",
    "2200-12-31T23:59:59.9999995Z",
    "2200-12-31T23:59:59-00:01",
    "2201-01-01T00:00:00Z",
]

SHAPE = "must be an RFC 3339 time with seconds and an offset, as in 2026-01-31T12:00:00Z"
RULES = (SHAPE, f"{SHAPE}; this is no instant of the calendar", "must lie in the years 1970 to 2200 (UTC)")


@pytest.mark.parametrize(("text", "instant"), INSTANTS, ids=lambda text: text[:40])
def test_a_time_names_its_instant(text: str, instant: str) -> None:
    found = parse_time(text)
    assert format_time(found) == instant
    assert found.tzinfo is UTC


@pytest.mark.parametrize("text", NO_TIMES)
def test_what_is_no_time_is_refused_without_being_quoted(text: str) -> None:
    with pytest.raises(ValueError, match="must") as refused:
        parse_time(text)
    assert str(refused.value) in RULES


@settings(deadline=None)
@given(
    st.datetimes(datetime(1970, 1, 2), datetime(2200, 12, 30)),  # noqa: DTZ001 - local times, the offset comes beside
    st.integers(0, 10**12 - 1),
    st.integers(-1439, 1439),
    st.sampled_from("Tt "),
)
def test_the_instant_is_the_exact_one_rounded_half_up(local: datetime, trillionths: int, offset: int, by: str) -> None:
    local = local.replace(microsecond=0)
    sign, (hours, minutes) = "+-"[offset < 0], divmod(abs(offset), 60)
    found = parse_time(f"{local:%Y-%m-%d}{by}{local:%H:%M:%S}.{trillionths:012}{sign}{hours:02}:{minutes:02}")
    whole = local.replace(tzinfo=timezone(timedelta(minutes=offset)))
    microseconds = (Fraction(trillionths, 10**6) + Fraction(1, 2)).__floor__()
    assert found == whole + timedelta(microseconds=microseconds)


@settings(deadline=None)
@given(st.datetimes(datetime(1970, 1, 1), datetime(2200, 12, 31, 23, 59, 59, 999_999)))  # noqa: DTZ001
def test_what_is_written_is_read_back(naive: datetime) -> None:
    instant = naive.replace(tzinfo=UTC)
    assert parse_time(format_time(instant)) == instant


def test_a_time_is_written_in_utc_with_six_digits() -> None:
    elsewhere = timezone(timedelta(hours=-5))
    assert format_time(datetime(2026, 1, 31, 22, 0, tzinfo=elsewhere)) == "2026-02-01T03:00:00.000000Z"


START = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
CENTURIES = datetime(2200, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("delta", "milliseconds"),
    [
        (timedelta(0), 0.0),
        (timedelta(microseconds=1), 0.001),
        (timedelta(microseconds=1_001), 1.001),
        (timedelta(days=1, seconds=1, microseconds=1), 86_401_000.001),
        (CENTURIES, 7289654399999.999),
        (timedelta(microseconds=-1), None),
        (timedelta(days=-1), None),
    ],
)
def test_a_duration_is_in_milliseconds_and_never_negative(delta: timedelta, milliseconds: float | None) -> None:
    start = START if delta < CENTURIES else datetime(1970, 1, 1, tzinfo=UTC)
    assert milliseconds_between(start, start + delta) == milliseconds


@settings(deadline=None)
@given(st.integers(0, 7_289_654_400_000_000))
def test_a_duration_is_whole_microseconds_divided_as_a_double(microseconds: int) -> None:
    start = datetime(1970, 1, 1, tzinfo=UTC)
    found = milliseconds_between(start, start + timedelta(microseconds=microseconds))
    assert found == float(Fraction(microseconds, 1000))
