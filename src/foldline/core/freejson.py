"""Free JSON: what `metadata` and payloads may hold, so that PostgreSQL stores every digit and refuses nothing.

In bytes that a strict JSON parser accepts, quotes and backslashes stand only where the grammar puts them, so a regular
expression finds strings, numbers and brackets exactly. `text_fault` alone meets other bytes: linear time on any.
"""

from __future__ import annotations

import re

MAX_BYTES = 256 * 1024
MAX_MEMBERS = 1_000
MAX_DIGITS = 1_000
MAX_DEPTH = 64

# PostgreSQL refuses an exponent from half of a 32-bit integer on, even if the number is zero.
_MAX_EXPONENT = 2**30 - 2

# An unclosed string is matched too: else a text that is no JSON would be searched to its end from every quote.
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
_ESCAPE = re.compile(rb"\\(?:u([0-9a-fA-F]{4})|.)", re.DOTALL)
_EXPONENT = re.compile(rb"[0-9][eE][-+]?[0-9]+(?:[ \t\r\n,\]}]|\Z)")
"""Finds every number with an exponent by what stands behind it, and hardly anything else (identifiers in strings)."""

_NUMBER = re.compile(rb"-?([0-9]+)(?:\.([0-9]+))?(?:[eE]([-+]?[0-9]+))?")
_STRUCTURE = re.compile(rb"[\[\]{},:]")


def text_fault(value: bytes) -> str | None:
    """Why the record's text is none that the contract admits: encoding, lone surrogates or depth. None: it is fine."""
    if not value.isascii():
        try:
            value.decode()
        except UnicodeDecodeError:
            return "not UTF-8"
    if b"\\u" in value and _has_lone_surrogate(value):
        return "a lone surrogate escape"
    if value.count(b"{") + value.count(b"[") > MAX_DEPTH and _too_deep(value):
        return f"nested deeper than {MAX_DEPTH}"
    return None


def free_json_fault(raw: bytes) -> str | None:
    """Why this free JSON is not admitted, None if it is. The quick tests in front only ever spare the exact ones."""
    if len(raw) > MAX_BYTES:
        return f"longer than {MAX_BYTES // 1024} KiB"
    if b"\\u0000" in raw and has_nul(raw):
        return "a NUL character (\\u0000) in a key or a string"
    if len(raw) <= min(MAX_DIGITS, MAX_MEMBERS) and _EXPONENT.search(raw) is None:
        return None  # too short to hold so many digits or members
    bare = _STRING.sub(b'""', raw)
    most = raw.count(b",") + raw.count(b"{") + raw.count(b"[")
    if most > MAX_MEMBERS and _members(bare) > MAX_MEMBERS:
        return f"more than {MAX_MEMBERS} keys and array elements"
    if not all(_fits(*found.groups()) for found in _NUMBER.finditer(bare)):
        return f"a number of more than {MAX_DIGITS} digits"
    return None


def has_nul(raw: bytes) -> bool:
    """Whether a key or a string spells U+0000 (its only spelling in JSON is an escape)."""
    return any(found[1] == b"0000" for found in _ESCAPE.finditer(raw))


def _has_lone_surrogate(value: bytes) -> bool:
    high_ends_at = -1
    for found in _ESCAPE.finditer(value):
        unit = int(found[1], 16) if found[1] is not None else 0
        follows_high = high_ends_at == found.start()
        is_low = 0xDC00 <= unit <= 0xDFFF  # noqa: PLR2004 - the surrogate ranges of Unicode
        if is_low != follows_high or (high_ends_at >= 0 and not follows_high):
            return True
        high_ends_at = found.end() if 0xD800 <= unit <= 0xDBFF else -1  # noqa: PLR2004
    return high_ends_at >= 0


def _too_deep(value: bytes) -> bool:
    depth = 0
    for found in _STRUCTURE.finditer(_STRING.sub(b'""', value)):
        if found[0] in b"{[":
            depth += 1
            if depth > MAX_DEPTH:
                return True
        elif found[0] in b"}]":
            depth -= 1
    return False


def _members(bare: bytes) -> int:
    """Keys of objects and elements of arrays, in all."""
    empty_arrays = len(re.findall(rb"\[\s*\]", bare))
    arrays = bare.count(b"[") - empty_arrays
    inside: list[bytes] = []
    commas = 0
    for found in _STRUCTURE.finditer(bare):
        sign = found[0]
        if sign in b"{[":
            inside.append(sign)
        elif sign in b"}]":
            inside.pop()
        elif sign == b"," and inside[-1] == b"[":
            commas += 1
    return bare.count(b":") + commas + arrays


def _fits(whole: bytes, fraction: bytes | None, exponent: bytes | None) -> bool:
    """Whether the number, written without exponent and without the zero before the point, has few enough digits."""
    fraction = fraction or b""
    exponent = exponent or b"0"
    size = exponent.lstrip(b"+-0") or b"0"
    if len(size) > len(str(_MAX_EXPONENT)) or int(size) > _MAX_EXPONENT:
        return False
    shift = -int(size) if exponent.startswith(b"-") else int(size)
    digits = (whole + fraction).lstrip(b"0")
    after_point = max(0, len(fraction) - shift)
    before_point = max(0, len(digits) - len(fraction) + shift) if digits else 0
    return before_point + after_point <= MAX_DIGITS
