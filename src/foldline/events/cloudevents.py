"""The CloudEvents 1.0 envelope in the two content modes of its Kafka binding."""

from __future__ import annotations

import unicodedata
from base64 import b64encode
from dataclasses import asdict, dataclass

from foldline.core.freejson import text_fault
from foldline.errors import PublishError
from foldline.events.exact import written

CONTENT_TYPE = "application/json"
ENVELOPE_CONTENT_TYPE = "application/cloudevents+json"


@dataclass(frozen=True, slots=True)
class Envelope:
    """The attributes that foldline reads, and those that CloudEvents demands.

    Raises:
        PublishError: one of them is no CloudEvents string.
    """

    id: str
    source: str
    type: str
    time: str
    correlationid: str
    specversion: str = "1.0"

    def __post_init__(self) -> None:
        for name, attribute in asdict(self).items():
            if not attribute or not all(map(_admitted, attribute)):
                raise PublishError(
                    f"The CloudEvents attribute {name} is empty or holds a control character or a noncharacter.",
                    remedy="Choose another, or send the event without an envelope.",
                )

    def structured(self, event: bytes) -> tuple[bytes, list[tuple[str, bytes]]]:
        """Value and headers with the envelope around the event."""
        attributes = asdict(self) | {"datacontenttype": CONTENT_TYPE}
        value = b'%b,"data":%b}' % (written(attributes).encode()[:-1], event)
        if text_fault(value) is not None:  # the envelope's own level was one too many; here depth counts afresh
            value = written(attributes | {"data_base64": b64encode(event).decode()}).encode()
        return value, [("content-type", ENVELOPE_CONTENT_TYPE.encode())]

    def binary(self, event: bytes) -> tuple[bytes, list[tuple[str, bytes]]]:
        """Value and headers with the envelope in the headers."""
        headers = [(f"ce_{name}", attribute.encode()) for name, attribute in asdict(self).items()]
        return event, [*headers, ("content-type", CONTENT_TYPE.encode())]


def _admitted(character: str) -> bool:
    """Whether the type system of CloudEvents lets a string hold it."""
    point = ord(character)
    noncharacter = 0xFDD0 <= point <= 0xFDEF or point & 0xFFFE == 0xFFFE  # noqa: PLR2004 - as Unicode defines them
    return not noncharacter and unicodedata.category(character) not in {"Cc", "Cs"}
