"""What a producer of any Kafka client takes."""

from __future__ import annotations

from typing import NamedTuple


class Record(NamedTuple):
    """Key, value and headers of one record, named as confluent-kafka's `produce` names them.

    >>> Record(b"doc-1", b"{}", [])._asdict()
    {'key': b'doc-1', 'value': b'{}', 'headers': []}
    """

    key: bytes
    value: bytes
    headers: list[tuple[str, bytes]]
