"""The HTTP endpoint, asked well and asked badly."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Iterator
from http import HTTPStatus
from threading import Event

import pytest

from foldline.errors import SettingError
from foldline.watch.endpoint import Address, Answer, Endpoint

_LIMIT_SECONDS = 30
_TEXT = "text/plain"


def _fail(_accept: str) -> Answer:
    raise RuntimeError("secret")


ANSWERS = {
    "/live": lambda _: Answer(HTTPStatus.OK, _TEXT, b"yes\n"),
    "/ready": lambda accept: Answer(HTTPStatus.SERVICE_UNAVAILABLE, _TEXT, accept.encode()),
    "/fails": _fail,
}


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with Endpoint(Address("127.0.0.1", 0), ANSWERS, longest_seconds=0.2) as serving:
        yield serving


def _asked(endpoint: Endpoint, path: str, method: str = "GET", accept: str = "x/y") -> tuple[int, str, bytes]:
    connection = http.client.HTTPConnection(endpoint.address.host, endpoint.address.port, timeout=_LIMIT_SECONDS)
    try:
        connection.request(method, path, headers={"Accept": accept})
        answer = connection.getresponse()
        return answer.status, answer.headers["Content-Type"], answer.read()
    finally:
        connection.close()


def _connected(endpoint: Endpoint) -> socket.socket:
    return socket.create_connection((endpoint.address.host, endpoint.address.port), timeout=_LIMIT_SECONDS)


def test_a_path_is_answered_whatever_stands_behind_it(endpoint: Endpoint) -> None:
    assert _asked(endpoint, "/live") == (200, _TEXT, b"yes\n")
    assert _asked(endpoint, "/live?verbose") == (200, _TEXT, b"yes\n")
    assert _asked(endpoint, "/ready") == (503, _TEXT, b"x/y")


def test_an_unknown_path_names_those_that_there_are(endpoint: Endpoint) -> None:
    status, _, body = _asked(endpoint, "/nothing")
    assert (status, body) == (404, b"/live\n/ready\n/fails\n")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "FOLD"])
def test_only_get_is_answered(endpoint: Endpoint, method: str) -> None:
    status, _, body = _asked(endpoint, "/live", method)
    assert (status, body) == (405, b"Method Not Allowed\n")


def test_an_answer_that_cannot_be_made_is_said_to_have_failed_and_no_more(
    endpoint: Endpoint, capfd: pytest.CaptureFixture[str]
) -> None:
    assert _asked(endpoint, "/fails")[::2] == (500, b"Internal Server Error\n")
    assert _asked(endpoint, "/live")[0] == 200
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    "rude", [b"\x16\x03\x01\x02\x00\x01\n\n", b"GET\n\n", b"GET / HTTP/9.9\r\n\r\n", b"A" * 70_000 + b"\n", b""]
)
def test_who_talks_nonsense_or_hangs_up_harms_nobody(
    endpoint: Endpoint, rude: bytes, capfd: pytest.CaptureFixture[str]
) -> None:
    with _connected(endpoint) as connection:
        connection.sendall(rude)
    assert _asked(endpoint, "/live")[0] == 200
    assert capfd.readouterr() == ("", "")


def test_who_says_nothing_is_hung_up_on(endpoint: Endpoint) -> None:
    with _connected(endpoint) as silent:
        assert silent.recv(1) == b""


def test_who_drips_is_hung_up_on(endpoint: Endpoint) -> None:
    with _connected(endpoint) as dripping:
        dripping.settimeout(0.02)
        assert any(_hung_up_on(dripping) for _ in range(500))


def _hung_up_on(dripping: socket.socket) -> bool:
    try:
        dripping.sendall(b"G")
        return dripping.recv(1) == b""
    except TimeoutError:
        return False
    except OSError:
        return True


def test_many_who_say_nothing_keep_nobody_out() -> None:
    with Endpoint(Address("127.0.0.1", 0), ANSWERS) as endpoint:
        silent = [_connected(endpoint) for _ in range(40)]
        try:
            assert [_asked(endpoint, "/live")[0] for _ in range(40)] == [200] * 40
            assert sum(_ended(each) for each in silent) >= 24
        finally:
            for each in silent:
                each.close()


def _ended(connection: socket.socket) -> bool:
    connection.settimeout(0)
    try:
        return connection.recv(1) == b""
    except BlockingIOError:
        return False


def test_a_slow_answer_keeps_nobody_waiting() -> None:
    entered, let = Event(), Event()

    def slow(_accept: str) -> Answer:
        entered.set()
        assert let.wait(_LIMIT_SECONDS)
        return Answer(HTTPStatus.OK, _TEXT, b"")

    with Endpoint(Address("127.0.0.1", 0), {**ANSWERS, "/slow": slow}) as endpoint, _connected(endpoint) as connection:
        connection.sendall(b"GET /slow HTTP/1.0\r\n\r\n")
        assert entered.wait(_LIMIT_SECONDS)
        assert _asked(endpoint, "/live")[0] == 200
        let.set()
        assert connection.recv(12) == b"HTTP/1.0 200"


def test_a_port_that_is_taken_is_refused_with_what_to_do(endpoint: Endpoint) -> None:
    with pytest.raises(SettingError, match=r"FOLDLINE_HTTP_LISTEN is 127\.0\.0\.1:.*in use.*each worker needs its own"):
        Endpoint(endpoint.address, ANSWERS)


@pytest.mark.parametrize("text", ["127.0.0.1:9464", "[::1]:9464", "localhost:1"])
def test_an_address_is_written_as_it_was_read(text: str) -> None:
    assert str(Address.parse(text)) == text
