"""What makes an event the same event: its identity, and the event id that is derived where the publisher gave none."""

from __future__ import annotations

import json
import uuid
from hashlib import blake2b

_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_DNS, "foldline.event")
_DIGEST_BYTES = 16


def derived_event_id(*parts: str | bool | None) -> str:
    """UUIDv5 (RFC 9562) over the compact JSON array of `parts`, its strings written as RFC 8785 writes them."""
    return str(uuid.uuid5(_NAMESPACE, json.dumps(parts, ensure_ascii=False, separators=(",", ":"))))


def identity_digest(*parts: str) -> str:
    """The 128-bit BLAKE2b digest of an identity, 32 hexadecimal digits.

    The strings themselves may be longer than a B-tree page takes. They hold no NUL, so joining by NUL is unambiguous.
    """
    return blake2b("\0".join(parts).encode(), digest_size=_DIGEST_BYTES).hexdigest()
