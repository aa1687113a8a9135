"""foldline projects FSM transition and workflow events from Kafka into PostgreSQL.

PYTEST_DONT_REWRITE: pytest would warn where this package, which its plugin is part of, is imported before it.
"""

from importlib.metadata import version

__version__ = version("foldline")
