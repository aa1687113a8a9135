"""The names of librdkafka's properties: what the user's are held against before a client is made.

librdkafka itself decides. The list, `librdkafka.txt` (2.16; without callbacks and pointers, which no setting can give),
tells what was probably meant, and which values may be shown: a property that is not on it may be a misspelt password.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path

from confluent_kafka import KafkaException, Producer

NAMES = frozenset(Path(__file__).with_name("librdkafka.txt").read_text(encoding="ascii").split())

_NONE = "foldline.has.no.such.property"
_UNKNOWN = "No such configuration property:"


def unknown(names: Iterable[str]) -> dict[str, str | None]:
    """Those that librdkafka does not know, each with the one that was probably meant."""
    return {
        name: next(iter(difflib.get_close_matches(name, NAMES, n=1)), None)
        for name in names
        if name not in NAMES and not _is_known(name)
    }


def _is_known(name: str) -> bool:
    """Ask librdkafka, which may be newer than the list. A second, impossible property keeps it from making a client."""
    try:
        Producer({name: "", _NONE: ""})
    except KafkaException as error:
        return f'{_UNKNOWN} "{name}"' not in str(error)
    except (AttributeError, TypeError, ValueError):  # a name that the Python client takes for itself
        return False
    return True
