"""The ports of a home: the same at every start, so that URLs stay valid, as long as no stranger has taken them."""

from __future__ import annotations

import json
import socket
from contextlib import suppress
from pathlib import Path

_HOST = "127.0.0.1"


def answers(port: int) -> bool:
    """Somebody listens there."""
    with socket.socket() as probe:
        return probe.connect_ex((_HOST, port)) == 0


class Ports:
    """Ports by name, remembered in `ports.json`."""

    def __init__(self, root: Path) -> None:
        self._file = root / "ports.json"

    def take(self, *names: str) -> list[int]:
        """A port for each name: the remembered one if it can be bound now, else a new one, which is then remembered.

        Between this test and the child's own bind a stranger may come: then the child ends, and asking again helps.
        """
        remembered = self._read()
        taken = set(remembered.values())
        for name in names:
            if name not in remembered or not _free(remembered[name]):
                remembered[name] = _new(taken)
                taken.add(remembered[name])
        self._file.write_text(json.dumps(remembered), encoding="utf-8")
        return [remembered[name] for name in names]

    def _read(self) -> dict[str, int]:
        with suppress(OSError, ValueError):
            found = json.loads(self._file.read_text(encoding="utf-8"))
            if isinstance(found, dict):
                return {name: port for name, port in found.items() if isinstance(port, int)}
        return {}


def _free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((_HOST, port))
        except (OSError, OverflowError):
            return False
    return True


def _new(taken: set[int]) -> int:
    while True:
        with socket.socket() as probe:
            probe.bind((_HOST, 0))
            port: int = probe.getsockname()[1]
        if port not in taken:
            return port
