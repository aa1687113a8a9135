"""foldline projects FSM transition and workflow events from Kafka into PostgreSQL."""

from importlib.metadata import version

__version__ = version("foldline")
