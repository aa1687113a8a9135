"""A stranger in the place of a server: what does a client say to it?"""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from acceptance.tls.certificates import HOST


@contextmanager
def listener(answer: bytes, *, after: int) -> Iterator[tuple[str, list[bytes]]]:
    """Its address, and all that each ended connection said to it; it gives this answer once it has heard so much."""
    heard: list[bytes] = []
    with socket.create_server((HOST, 0)) as server:

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:  # the end of the block
                    return
                with connection:
                    heard.append(_conversation(connection, answer, after))

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"{HOST}:{server.getsockname()[1]}", heard
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join()


def _conversation(connection: socket.socket, answer: bytes, after: int) -> bytes:
    said = connection.recv(after, socket.MSG_WAITALL)
    connection.sendall(answer)
    connection.shutdown(socket.SHUT_WR)
    while more := connection.recv(4096):
        said += more
    return said
