"""Free JSON: its limits on both sides, and the record's text, against slow readings of the same rules."""

from __future__ import annotations

import json
from decimal import Decimal
from time import process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foldline.core.freejson import free_json_fault, has_nul, text_fault

DIGITS, MEMBERS, NUL, SIZE = "digits", "keys and array elements", "NUL", "256 KiB"


def zeros(count: int) -> str:
    return "0" * count


NUMBERS = {
    "0": True,
    "-0": True,
    "0.0": True,
    "1e999": True,
    "1E+999": True,
    "-1e999": True,
    "1e1000": False,
    "-1e1000": False,
    "10e998": True,
    "10e999": False,
    "1.5e999": True,
    "1.5e1000": False,
    "1e-1000": True,
    "1e-1001": False,
    "1e-1100": False,
    "-1e-1100": False,
    "0.1e-999": True,
    "0.1e-1000": False,
    "10e-1000": True,
    "0e-1000": True,
    "0e-1001": False,
    "0e1000": True,
    "0.0e1100": True,
    "9" * 1000: True,
    "9" * 1001: False,
    "-" + "9" * 1000: True,
    "-" + "9" * 1001: False,
    "0." + "9" * 1000: True,
    "0." + "9" * 1001: False,
    "-0." + "9" * 1000: True,
    "9." + "9" * 999: True,
    "9." + "9" * 1000: False,
    "1." + zeros(999): True,
    "1." + zeros(1000): False,
    "9" * 500 + "." + "9" * 500 + "e500": True,
    "9" * 500 + "." + "9" * 500 + "e501": False,
    "9" * 500 + "." + "9" * 500 + "e-500": True,
    "9" * 500 + "." + "9" * 500 + "e-501": False,
    # leading zeros of an exponent say nothing, and its sign stays
    f"1e{zeros(2000)}999": True,
    f"1e+{zeros(2000)}999": True,
    f"1e-{zeros(2000)}1000": True,
    f"1e-{zeros(2000)}1001": False,
    f"1e{zeros(2000)}1000": False,
    f"0.{'9' * 999}e-{zeros(20)}500": False,
    f"{'9' * 999}e-{zeros(20)}500": True,
    f"1e-{zeros(2000)}": True,
    # what PostgreSQL refuses whatever the number is
    "0e1073741822": True,
    "0e1073741823": False,
    f"0e{'9' * 20_000}": False,
    f"1e{'9' * 20_000}": False,
    f"1e-{'9' * 20_000}": False,
}


@pytest.mark.parametrize(("number", "fits"), NUMBERS.items(), ids=lambda value: str(value)[:24])
def test_a_number_has_at_most_a_thousand_digits(number: str, *, fits: bool) -> None:
    for around in ("%s", '{"a":%s}', "[ %s ]", '["1e1000", {"1e1000": [%s]}]'):
        fault = free_json_fault((around % number).encode())
        assert (fault is None) if fits else (fault is not None and DIGITS in fault)


@settings(deadline=None, max_examples=300)
@given(
    st.sampled_from(["", "-"]),
    st.sampled_from(["0", "1", "90", "9" * 400, "1" + zeros(998), "9" * 1000]),
    st.sampled_from(["", ".0", ".05", "." + zeros(600) + "7", "." + "3" * 399, "." + zeros(1000)]),
    st.sampled_from(["", "e", "E+", "e-", "e00000000000", "e-00000000000000"]),
    st.integers(0, 1100) | st.sampled_from([399, 400, 401, 598, 599, 600, 601, 999, 1000, 1001]),
)
def test_numbers_are_counted_as_they_are_written_without_exponent(
    sign: str, whole: str, fraction: str, e: str, power: int
) -> None:
    number = f"{sign}{whole}{fraction}{e}{power if e else ''}"
    plain = format(Decimal(number), "f").removeprefix("-")
    before, _, after = plain.partition(".")
    fits = len(before.lstrip("0")) + len(after) <= 1000
    assert (free_json_fault(number.encode()) is None) == fits, number


def objects_in_one(count: int) -> str:
    return "{" + ",".join(f'"{number}":0' for number in range(count)) + "}"


MEMBERSHIPS = {
    "no keys": ("{}", True),
    "no elements": ("[]", True),
    "nothing but strings": (json.dumps("[{,:" * 2000), True),
    "1000 keys": (objects_in_one(1000), True),
    "1001 keys": (objects_in_one(1001), False),
    "1000 elements": (json.dumps([0] * 1000), True),
    "1001 elements": (json.dumps([0] * 1001), False),
    "one key 1000 times": ("{" + ",".join(['"a":0'] * 1000) + "}", True),
    "one key 1001 times": ("{" + ",".join(['"a":0'] * 1001) + "}", False),
    "1 key and 999 elements": (json.dumps({"a": [0] * 999}), True),
    "1 key and 1000 elements": (json.dumps({"a": [0] * 1000}), False),
    "500 objects of one key in an array": (json.dumps([{"a": 0}] * 500), True),
    "501 objects of one key in an array": (json.dumps([{"a": 0}] * 501), False),
    "500 arrays of one element in an array": (json.dumps([[0]] * 500), True),
    "501 arrays of one element in an array": (json.dumps([[0]] * 501), False),
    "1000 empty arrays": (json.dumps([[]] * 1000), True),
    "1001 empty arrays": (json.dumps([[]] * 1001), False),
    "1000 empty arrays of spaces": ("[" + ",".join(["[ \n]"] * 1000) + "]", True),
    "1000 empty objects": (json.dumps([{}] * 1000), True),
    "1001 empty objects": (json.dumps([{}] * 1001), False),
    "1000 keys full of signs": (json.dumps({f'{n}",[{{:}}]\\': '",":[{\\' for n in range(1000)}), True),
    "1001 keys full of signs": (json.dumps({f'{n}",[{{:}}]\\': '",":[{\\' for n in range(1001)}), False),
    "500 arrays and 500 objects in each other": ('{"a":[' * 500 + "0" + "]}" * 500, True),
    "501 arrays and 500 objects in each other": ("[" + '{"a":[' * 500 + "0" + "]}" * 500 + "]", False),
}


@pytest.mark.parametrize(("text", "fits"), MEMBERSHIPS.values(), ids=MEMBERSHIPS)
def test_keys_and_elements_are_at_most_a_thousand_in_all(text: str, *, fits: bool) -> None:
    fault = free_json_fault(text.encode())
    assert (fault is None) if fits else (fault is not None and MEMBERS in fault)


def test_256_kib_are_counted_in_bytes_as_received() -> None:
    assert free_json_fault(b'"' + "é".encode() * (128 * 1024 - 1) + b'"') is None
    assert SIZE in str(free_json_fault(b'"' + "é".encode() * (128 * 1024 - 1) + b'x"'))
    assert free_json_fault(b"[" + b" " * (256 * 1024 - 2) + b"]") is None
    assert SIZE in str(free_json_fault(b"[" + b" " * (256 * 1024 - 1) + b"]"))


@pytest.mark.parametrize(
    ("text", "nul"),
    [
        (r'"\u0000"', True),
        (r'{"\u0000":1}', True),
        (r'["a\\\u0000"]', True),
        (r'["\u0001\u0000"]', True),
        (r'["\\u0000"]', False),
        (r'["\\\\u0000"]', False),
        (r'["\u00000"]', True),
        (r'["\u0001u0000"]', False),
        (r'["u0000"]', False),
    ],
)
def test_nul_is_found_by_its_only_spelling(text: str, *, nul: bool) -> None:
    assert has_nul(text.encode()) is nul
    assert any("\0" in string for string in walk(json.loads(text))) is nul
    fault = free_json_fault(text.encode())
    assert (fault is not None and NUL in fault) if nul else (fault is None)


def walk(tree: object) -> list[str]:
    match tree:
        case str():
            return [tree]
        case dict():
            return [text for key, value in tree.items() for text in [key, *walk(value)]]
        case list():
            return [text for value in tree for text in walk(value)]
        case _:
            return []


ESCAPES = st.lists(
    st.sampled_from([r"\ud83d", r"\ude00", r"\uD800", r"\uDFFF", r"\u0041", r"\\", r"\n", "a", "é", "😀", r"\ud7ff"]),
    max_size=6,
)


@settings(deadline=None, max_examples=300)
@given(st.lists(ESCAPES, min_size=1, max_size=3))
def test_a_lone_surrogate_is_what_utf_8_cannot_hold(strings: list[list[str]]) -> None:
    text = "[" + ",".join('"' + "".join(parts) + '"' for parts in strings) + "]"
    try:
        json.dumps(json.loads(text), ensure_ascii=False).encode()
        lone = False
    except UnicodeEncodeError:
        lone = True
    assert (text_fault(text.encode()) is not None) == lone, text


DEPTHS = {
    "64 arrays": ("[" * 64 + "]" * 64, True),
    "65 arrays": ("[" * 65 + "]" * 65, False),
    "64 objects": ('{"a":' * 64 + "0" + "}" * 64, True),
    "65 objects": ('{"a":' * 65 + "0" + "}" * 65, False),
    "100 beside each other": ("[" + ",".join(["{}"] * 100) + "]", True),
    "64 deep after 100 others": ("[" + "{}," * 100 + "[" * 63 + "]" * 64, True),
    "65 deep after 100 others": ("[" + "{}," * 100 + "[" * 64 + "]" * 65, False),
    "brackets in strings": (json.dumps(["[" * 100, '"[' * 100, "\\" + "{" * 100]), True),
    "brackets after a string that ends in a backslash": ('["\\\\",' + "[" * 64 + "]" * 65, False),
}


@pytest.mark.parametrize(("text", "fits"), DEPTHS.values(), ids=DEPTHS)
def test_nothing_is_nested_deeper_than_64(text: str, *, fits: bool) -> None:
    fault = text_fault(text.encode())
    assert (fault is None) if fits else (fault == "nested deeper than 64")


@pytest.mark.parametrize(
    "value",
    [b"[" * 65 + b'"' + b'\\"' * 20_000, b"{" * 64 + b'["' * 20_000 + b"\\", b"[" * 40_000],
    ids=["an unclosed string of quotes", "quotes and brackets", "brackets"],
)
def test_what_is_no_json_is_scanned_once(value: bytes) -> None:
    """Garbage must not hold up its partition: a scan from every quote anew would take seconds for these few bytes."""
    before = process_time()
    text_fault(value)
    assert process_time() - before < 0.5


@settings(deadline=None)
@given(st.binary(max_size=40))
def test_any_bytes_have_an_answer(value: bytes) -> None:
    text_fault(value)
