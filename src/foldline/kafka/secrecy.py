"""Which values of Kafka properties may be shown. All others are hidden, in messages too.

Shown is a property that librdkafka has, whose name does not speak of secrets, and whose value is no key and no URL with
a password. So a misspelt `sasl.password` is hidden, and so is a key that was put where its file should be named.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from foldline.kafka.names import NAMES
from foldline.settings import HIDDEN

_SECRET = ("password", "passphrase", "secret", "key", "token", "pem", "config", "extensions", "cmd")
_PATHS = (".location", ".file")
_REVEALING = re.compile(r"-----BEGIN|\n|://[^/]*@")


def may_show(name: str, value: str) -> bool:
    """Whether the value of this property may stand on a terminal or in a log."""
    open_name = name in NAMES and (name.endswith(_PATHS) or not any(word in name for word in _SECRET))
    return open_name and not _REVEALING.search(value)


def concealed(text: str, properties: Mapping[str, object]) -> str:
    """`text` without the values that may not be shown, wherever they occur in it."""
    for name, value in properties.items():
        if isinstance(value, str) and value and not may_show(name, value):
            text = text.replace(value, HIDDEN)
    return text
