"""What is wrong with a connection to PostgreSQL is one line, nothing falls back to plaintext, and no secret shows."""

from __future__ import annotations

import pytest

from acceptance.tls.certificates import HOST, OTHER_HOST
from acceptance.tls.listener import listener
from acceptance.tls.page import lines_that_say
from acceptance.tls.running import WRONG_CANARY, Foldline, assert_refused
from acceptance.tls.servers import Secured

_SAID = lines_that_say("TLS to PostgreSQL")
_COMMANDS = {"worker": ("run", "--until-caught-up"), "dashboard": ("status",), "deploy": ("migrate",)}
_SSL_REQUEST = bytes.fromhex("0000000804d2162f")  # PostgreSQL manual, Message Formats

# What the URL says instead, by what is wrong.
_URLS = {
    "another authority signed the server's certificate": ("ca.pem", "stranger.pem"),
    "the certificate names another host": (f"@{HOST}", f"@{OTHER_HOST}"),
    "the password is wrong": ("@", f":{WRONG_CANARY}@"),
    "the URL asks for no TLS": ("verify-full", "disable"),
    "the client certificate is another user's": ("/worker.", "/dashboard."),
    "the client certificate is missing": ("sslcert", "application_name"),
}
# How the server is configured instead; its files lie in its data directory.
_SERVERS = {
    "the certificate has expired": {"ssl_cert_file": "expired.pem", "ssl_key_file": "expired.key"},
    "the server has no TLS": {"ssl": "off"},
}
_OF_WORKERS_ONLY = {"the client certificate is another user's", "the client certificate is missing"}


def test_every_refusal_of_the_page_is_tried() -> None:
    assert set(_SAID) == {*_URLS, *_SERVERS}


@pytest.fixture(params=_COMMANDS)
def user(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def command(user: str, request: pytest.FixtureRequest) -> Foldline:
    """foldline with the settings of this user."""
    found = request.getfixturevalue(user)
    assert isinstance(found, Foldline)
    return found


def _refused(foldline: Foldline, user: str, said: str) -> None:
    assert_refused(foldline(*_COMMANDS[user]), said)
    assert_refused(foldline("--debug", *_COMMANDS[user]), said)


@pytest.mark.parametrize("wrong", [wrong for wrong in _URLS if wrong not in _OF_WORKERS_ONLY])
def test_what_the_url_has_wrong(command: Foldline, user: str, wrong: str) -> None:
    _refused(_with_another_url(command, wrong), user, _SAID[wrong])


@pytest.mark.parametrize("wrong", _OF_WORKERS_ONLY)
def test_what_a_workers_url_has_wrong(worker: Foldline, wrong: str) -> None:
    _refused(_with_another_url(worker, wrong), "worker", _SAID[wrong])


def _with_another_url(foldline: Foldline, wrong: str) -> Foldline:
    url = foldline.settings["DATABASE_URL"]
    assert url.count(_URLS[wrong][0]) > 0
    return foldline.but(DATABASE_URL=url.replace(*_URLS[wrong]))


@pytest.mark.parametrize("wrong", _SERVERS)
def test_what_the_server_has_wrong(secured: Secured, command: Foldline, user: str, wrong: str) -> None:
    with secured.postgres.configured(**_SERVERS[wrong]):
        _refused(command, user, _SAID[wrong])


@pytest.mark.parametrize("answer", [b"N", b"E", b""], ids=["no", "an error", "silence"])
def test_a_server_without_tls_hears_nothing_but_the_question(
    secured: Secured, command: Foldline, user: str, answer: bytes
) -> None:
    with listener(answer, after=len(_SSL_REQUEST)) as (address, heard):
        url = command.settings["DATABASE_URL"].replace(secured.postgres.address, address)
        answered = command.but(DATABASE_URL=url)(*_COMMANDS[user])
    assert_refused(answered, "PostgreSQL cannot be reached")
    assert heard
    assert set(heard) == {_SSL_REQUEST}
