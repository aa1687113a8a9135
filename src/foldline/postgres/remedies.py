"""PostgreSQL's own troubles in plain words, each with what ends it: in the log, on /ready and in a terminal alike."""

from __future__ import annotations

_SHORT_OF_CONNECTIONS = "it has no connection to spare: raise max_connections, or run fewer workers"
_STARTING = "it is starting up: it answers by itself once that is done"
_READ_ONLY = (
    "it only reads: it is a standby, or in the midst of a failover; let DATABASE_URL lead to the one that writes"
)

_BY_SQLSTATE = {
    "25006": _READ_ONLY,
    "53100": "its disk is full: make room on it",
    "53200": "it is out of memory: give it more, or lower work_mem and max_connections",
    "53300": _SHORT_OF_CONNECTIONS,
    "53400": "one of its configured limits is reached: see its log for which, and raise that",
    "55P03": "another session holds a lock that is needed",
    "57014": "a statement took longer than its time limit, or somebody cancelled it",
    "57P01": "an administrator ends its sessions",
    "57P03": _STARTING,
}
_BY_CLASS = {"53": "it is short of a resource: see its log for which"}
_BY_REFUSAL = {
    "too many connections": _SHORT_OF_CONNECTIONS,
    "too many clients": _SHORT_OF_CONNECTIONS,
    "connection slots are reserved": _SHORT_OF_CONNECTIONS,
    "starting up": _STARTING,
    "not yet accepting connections": _STARTING,
    "in recovery mode": _STARTING,
    "not accepting connections": "it is a standby that answers nobody: promote it, or let it start as a hot standby",
    "session is read-only": _READ_ONLY,
}
"""libpq passes no SQLSTATE on for a connection that is refused: by what its text contains."""


def in_words(sqlstate: str | None) -> str | None:
    """What PostgreSQL is in trouble with; None if that is not for words like these."""
    return None if sqlstate is None else _BY_SQLSTATE.get(sqlstate) or _BY_CLASS.get(sqlstate[:2])


def refusal_in_words(reason: str) -> str | None:
    """The same of the text with which a connection was refused."""
    return next((words for text, words in _BY_REFUSAL.items() if text in reason), None)
