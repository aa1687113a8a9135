"""The worker's HTTP endpoint: what scrapers and orchestrators ask. GET only, in threads of its own, all of it bounded.

Nothing that happens here reaches the line: it only announces facts, and whoever asks here looks at what they left.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from types import TracebackType
from typing import Any, Self

from foldline.errors import SettingError

_MOST_CONNECTIONS = 16
_LONGEST_SECONDS = 10.0
_LOOK_EVERY_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Answer:
    """What a path answers."""

    status: HTTPStatus
    content_type: str
    body: bytes


Answers = Mapping[str, Callable[[str], Answer]]
"""What each path answers, given the Accept header."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where to listen, or to ask."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `host:port`, as the setting has it."""
        host, _, port = text.rpartition(":")
        return cls(host.removeprefix("[").removesuffix("]"), int(port))

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class Endpoint:
    """A context manager: serves while it lasts.

    Raises:
        SettingError: at its beginning, if it cannot listen there.
    """

    def __init__(self, address: Address, answers: Answers, *, longest_seconds: float = _LONGEST_SECONDS) -> None:
        self._server = _Server(address, answers, longest_seconds)
        look_every = min(_LOOK_EVERY_SECONDS, longest_seconds / 2)
        self._thread = Thread(target=self._server.serve_forever, args=(look_every,), name="foldline-http", daemon=True)

    @property
    def address(self) -> Address:
        """Where it listens."""
        host, port = self._server.server_address[:2]
        return Address(str(host), port)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    """One thread for each connection, each for so long at most, however slowly it talks.

    Where there are too many, the one that has been there longest is ended for the one that comes: an answer takes
    milliseconds, so who asks well is served even among many who do not.
    """

    daemon_threads = True
    request_queue_size = 64
    block_on_close = False

    def __init__(self, address: Address, answers: Answers, longest_seconds: float) -> None:
        self.answers = answers
        self._longest_seconds = longest_seconds
        self._open: dict[Any, float] = {}
        self._lock = Lock()
        if ":" in address.host:
            self.address_family = socket.AF_INET6
        try:
            super().__init__((address.host, address.port), _Handler)
        except OSError as error:
            raise SettingError(
                f"FOLDLINE_HTTP_LISTEN is {address}, where this worker cannot listen: {error.strerror}.",
                remedy="Name an address of this machine and a port that is free; each worker needs its own.",
            ) from None

    def server_bind(self) -> None:
        """As its base, which would also ask DNS for our name: that can take long, and nobody needs it."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()

    def process_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - as the base has it
        with self._lock:
            if len(self._open) >= _MOST_CONNECTIONS:
                oldest = next(iter(self._open))
                del self._open[oldest]
                _hang_up(oldest)
            self._open[request] = time.monotonic()
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:  # noqa: ANN401 - see above
        with self._lock:
            self._open.pop(request, None)
        super().shutdown_request(request)

    def service_actions(self) -> None:
        """End what takes too long; the base calls it every now and then."""
        with self._lock:
            due = [each for each, since in self._open.items() if time.monotonic() - since > self._longest_seconds]
            for request in due:
                _hang_up(request)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - see above
        """Who hangs up in the midst of an answer is none of our business."""


def _hang_up(connection: socket.socket) -> None:
    """End it; its thread notices."""
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    server_version = "foldline"
    sys_version = ""
    timeout = _LONGEST_SECONDS

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        asked = self.server.answers.get(path)
        if asked is None:
            known = "".join(f"{each}\n" for each in self.server.answers)
            self._answer(Answer(HTTPStatus.NOT_FOUND, "text/plain; charset=utf-8", known.encode()))
            return
        try:
            answer = asked(self.headers.get("Accept", ""))
        except Exception:  # noqa: BLE001 - whoever asks hears that it failed; the line must not
            self.send_error(HTTPStatus.INTERNAL_SERVER_ERROR)
        else:
            self._answer(answer)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Nothing of what was asked is repeated. `explain` is the base's."""
        del message, explain
        status = HTTPStatus.METHOD_NOT_ALLOWED if code == HTTPStatus.NOT_IMPLEMENTED else HTTPStatus(code)
        self.close_connection = True
        self._answer(Answer(status, "text/plain; charset=utf-8", f"{status.phrase}\n".encode()))

    def _answer(self, answer: Answer) -> None:
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(answer.body)))
        if answer.status is HTTPStatus.METHOD_NOT_ALLOWED:
            self.send_header("Allow", "GET")
        self.end_headers()
        self.wfile.write(answer.body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base calls it so
        """Probes are no news."""
