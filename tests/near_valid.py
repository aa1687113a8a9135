"""Near-valid events as text, keys repeated and values wrong in every way, plain and in CloudEvents envelopes."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator

from hypothesis import strategies as st

from foldline.core.events import Headers
from oracle.decode import FIELDS, KINDS

PLAIN = {
    "correlation_id": '"c"', "occurred_at": '"2026-01-31T12:00:00Z"', "fsm_type": '"F"', "entity_id": '"e"',
    "action": '"A"', "workflow_id": '"w"', "kind": '"PAUSED"',
}  # fmt: skip
ATOMS = ["null", "true", "false", "0", "1", "-1", "3.0", "1e2", "-0.0", "9223372036854775807", "9223372036854775808",
         "1e999", "1e-1000", "1e1000", "1e-1001", "0.12345678901234567890123", '""', '"x"', '" "', r'"\u0000"',
         r'"\u0041\"\\\/\n"', r'"\ud83d\ude00"', '"😀é"', f'"{"x" * 50}"', f'"{"😀" * 51}"', f'"{"é" * 255}"',
         f'"{"x" * 256}"', f'"{"€" * 2730}"', f'"{"€" * 2731}"', "[]", "{}",
         f"[{'0,' * 999}0]", f"[{'[],' * 1000}0]"]  # fmt: skip
TIMES = ['"2026-01-31t12:00:00.9999995z"', '"2026-02-29T12:00:00Z"', '"1970-01-01 00:00:00+00:01"', '"now"',
         '"2200-12-31T23:59:59.9999995Z"', '"2016-12-31T23:59:60Z"', '"2026-01-31T12:00:00"']  # fmt: skip
BROKEN = ["NaN", "-Infinity", "01", "1.", '"\n"', r'"\ud800"', r'"\q"', "[1,]", "", '"\udcff"', "[" * 63 + "]" * 63,
          "[" * 64 + "]" * 64, "[" * 3000]  # fmt: skip
VALUES = st.sampled_from(ATOMS)
KEYS = ["lease_id", "lease_epoch", "a", r"\u0061", "metadata", r"x\u0000"]
OBJECTS = st.lists(st.sampled_from(KEYS).flatmap(lambda key: VALUES.map(lambda value: f'"{key}": {value}')), max_size=4)
LEASES = st.tuples(st.sampled_from(['"l"', '""', "5"]), st.sampled_from(["1", "0", "1.0"]), OBJECTS).map(
    lambda parts: ", ".join([*parts[2], f'"lease_id": {parts[0]}', f'"lease_epoch" : {parts[1]}'])
)
MEMBERS = st.tuples(
    st.sampled_from([*FIELDS["transition"], *FIELDS["workflow"], "x", r"acti\u006fn", "lease", "metadata"]),
    VALUES
    | st.sampled_from([*TIMES, *(f'"{kind}"' for kind in sorted(KINDS))])
    | (OBJECTS.map(", ".join) | LEASES).map(lambda inside: f"{{{inside}}}")
    | st.lists(VALUES, max_size=3).map(lambda values: f"[{', '.join(values)}]"),
).map(lambda member: f'"{member[0]}": {member[1]}')


def every_atom_in_every_field() -> Iterator[tuple[str, bytes]]:
    """Which kind of event, and a record that is one but for the value of one field."""
    for sort, names in FIELDS.items():
        for name in names:
            plain = ",".join(f'"{key}":{value}' for key, value in PLAIN.items() if key != name)
            for atom in (*ATOMS, *TIMES, *BROKEN):
                inner = [f'{{"lease_id":"l","lease_epoch":{atom}}}', f'{{"lease_epoch":1,"lease_id":{atom}}}']
                for written in (atom, *(inner if name in ("lease", "metadata") else [])):
                    yield sort, f'{{{plain},"{name}":{written}}}'.encode(errors="surrogateescape")


@st.composite
def near_valid(draw: st.DrawFn) -> bytes:
    """A whole event with members put before and behind its own, now and then one that is no JSON."""
    plain = [f'"{name}":{value}' for name, value in PLAIN.items()]
    members = [*draw(st.lists(MEMBERS, max_size=3)), *plain, *draw(st.lists(MEMBERS, max_size=2))]
    broken = draw(st.integers(0, 9))
    if broken == 0:
        members.append(f'"{draw(st.sampled_from(["x", "action", "metadata"]))}": {draw(st.sampled_from(BROKEN))}')
    return ("{" + ",".join(members) + "}").encode(errors="surrogateescape")


ATTRIBUTES = st.sampled_from(["id", "time", "correlationid", "specversion", "source", "event_id", "data", r"i\u0064"])
VERSIONS = ['"1.0"', r'"1\u002e0"', "null", '"1.1"', '"0.3"', "1.0", '""', '"1.0\\n"', "9" * 5_000]
MEDIA_TYPES = [b"application/cloudevents+json", b" Application/CloudEvents+JSON ; charset=utf-8", b"application/json",
               b"application/cloudevents", b"application/cloudevents-batch+json", b"", b"\xff", None]  # fmt: skip
OCTETS = [b"", b"x", b"x" * 255, b"x" * 256, "é".encode() * 255, b"\xff", b"a\0", None, b"1.0", b"0.3", b"null",
          b"2026-01-31t13:00:00.5+01:00", b"2026-01-31T12:00:00", b"\xef\xbb\xbfx", b'"', b"\\u0000"]  # fmt: skip
NAMES = ["ce_id", "ce_time", "ce_correlationid", "ce_specversion", "CE_Id", "ce_source", "ce-id", "id", "trace"]
HEADERS = st.tuples(st.sampled_from(NAMES), st.sampled_from(OCTETS)) | st.tuples(
    st.sampled_from(["content-type", "Content-Type"]), st.sampled_from(MEDIA_TYPES)
)


@st.composite
def enveloped(draw: st.DrawFn) -> tuple[bytes, Headers]:
    """A near-valid event in a near-valid envelope of either mode, or of both."""
    value = draw(near_valid())
    headers = tuple(draw(st.lists(HEADERS, max_size=3)))
    if draw(st.booleans()):
        return value, headers
    sound = b64encode(value).decode()
    spoilt = [sound.rstrip("=") + "=", sound[:-1] + "\\n", sound + "====", sound.replace("A", "-"), ""]
    encoded = draw(st.sampled_from([*[sound] * 9, *spoilt]))
    content = [f'"data": {value.decode(errors="surrogateescape")}', f'"data_base64": "{encoded}"']
    members = [f'"specversion": {draw(st.sampled_from([*VERSIONS[:1] * 9, *VERSIONS]))}']
    members.append(content[draw(st.integers(0, 1))])
    atoms = st.sampled_from([*ATOMS, *TIMES])
    members += draw(
        st.lists(st.tuples(ATTRIBUTES, atoms).map(lambda member: f'"{member[0]}": {member[1]}'), max_size=3)
    )
    members = draw(st.permutations(members))
    return ("{" + ",".join(members) + "}").encode(errors="surrogateescape"), headers
