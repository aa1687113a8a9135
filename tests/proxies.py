"""A TCP proxy in front of PostgreSQL that loses a COMMIT, or its answer, or everything, when it is told to."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from psycopg.conninfo import conninfo_to_dict, make_conninfo

_CHUNK = 65536
_COMMIT = b"COMMIT"


class Proxy:
    """Passes on what comes, to where `url` leads now.

    Attributes:
        lose: "commit" loses the next COMMIT, "answer" what the server says to it; the connection breaks with it.
        hole: take every connection and every byte, and answer nothing.
        lost: set when that has happened, or the hole has swallowed something.
    """

    def __init__(self, database_url: str) -> None:
        self.leads_to(database_url)
        self.lose: str | None = None
        self.hole = False
        self.lost = threading.Event()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def leads_to(self, database_url: str) -> None:
        """Lead new connections to another server."""
        parts = conninfo_to_dict(database_url)
        self._target = str(parts["host"]), int(str(parts["port"]))

    def url(self, database_url: str) -> str:
        """The same database by way of the proxy, in the clear."""
        port = self._listening.getsockname()[1]
        return make_conninfo(database_url, host="127.0.0.1", port=port, sslmode="disable", gssencmode="disable")

    def close(self) -> None:
        for each in (self._listening, *self._open):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self) -> None:
        with suppress(OSError):  # it was closed
            while True:
                client, _ = self._listening.accept()
                self._open.append(client)
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        try:
            server = socket.create_connection(self._target)
        except OSError:
            client.close()
            return
        self._open.append(server)
        deaf = threading.Event()
        back = threading.Thread(target=self._pass_back, args=(server, client, deaf), daemon=True)
        back.start()
        with suppress(OSError):
            while octets := client.recv(_CHUNK):
                if self.hole:
                    self.lost.set()
                    continue
                if self.lose is not None and _COMMIT in octets:
                    lose, self.lose = self.lose, None
                    deaf.set()
                    if lose == "answer":
                        server.sendall(octets)
                        back.join()
                    self.lost.set()
                    break
                server.sendall(octets)
        _end(client)
        _end(server)

    def _pass_back(self, server: socket.socket, client: socket.socket, deaf: threading.Event) -> None:
        with suppress(OSError):
            while octets := server.recv(_CHUNK):
                if deaf.is_set():  # this is what the server says to COMMIT
                    return
                if not self.hole:
                    client.sendall(octets)
        if not deaf.is_set():
            _end(client)


def _end(each: socket.socket) -> None:
    with suppress(OSError):
        each.shutdown(socket.SHUT_RDWR)
    each.close()


@contextmanager
def proxy_to(database_url: str) -> Iterator[Proxy]:
    proxy = Proxy(database_url)
    try:
        yield proxy
    finally:
        proxy.close()
