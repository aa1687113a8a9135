"""The example log: a few thousand events of a made-up document archive, each planted with the verdict it must get.

Deterministic and independent of the decision in `foldline.core`: what must become of an event is known from how it was
planted, so the log is a test of the product and not a print-out of it.
"""

from foldline.example.live import LiveStream, live_stream
from foldline.example.log import DEFAULT_ENTITIES, DEFAULT_SEED, ExampleLog, example_log, read_first_of
from foldline.example.planted import Planted
from foldline.example.undecodable import undecodable_lines

__all__ = [
    "DEFAULT_ENTITIES",
    "DEFAULT_SEED",
    "ExampleLog",
    "LiveStream",
    "Planted",
    "example_log",
    "live_stream",
    "read_first_of",
    "undecodable_lines",
]
