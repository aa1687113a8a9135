"""What is wrong with a connection to Kafka is one line in bounded time, without plaintext and without a secret."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from acceptance.tls.certificates import HOST, OTHER_HOST
from acceptance.tls.listener import listener
from acceptance.tls.page import lines_that_say
from acceptance.tls.running import KAFKA_CANARY, WRONG_CANARY, Foldline, assert_refused
from acceptance.tls.servers import Secured
from commands import Answer
from harness import transition

_SAID = lines_that_say("TLS and SASL to Kafka")
_COMMANDS = {
    "run": ("run", "--until-caught-up"),
    "publish": ("publish", "events.jsonl"),
    "create": ("topics", "create"),
}
_TLS_HANDSHAKE = b"\x16\x03"  # RFC 8446, 5.1


def _wrong(secured: Secured) -> dict[str, dict[str, str]]:
    """What the settings say instead, by what is wrong."""
    return {
        "another authority signed the broker's certificate": {
            "FOLDLINE_KAFKA__SSL_CA_LOCATION": str(secured.certificates["stranger.pem"])
        },
        "the certificate names another host": {
            "KAFKA_BOOTSTRAP_SERVERS": secured.kafka.address.replace(HOST, OTHER_HOST)
        },
        "the password is wrong": {"FOLDLINE_KAFKA__SASL_PASSWORD": WRONG_CANARY},
        "the client speaks no TLS": {"FOLDLINE_KAFKA__SECURITY_PROTOCOL": "SASL_PLAINTEXT"},
    }


@pytest.fixture(scope="module")
def foldline(secured: Secured, tmp_path_factory: pytest.TempPathFactory) -> Foldline:
    """With the page's settings, and an event to publish."""
    directory = tmp_path_factory.mktemp("here")
    (directory / "events.jsonl").write_text(json.dumps(transition("START_PROCESSING")), encoding="utf-8")
    return Foldline(directory, secured.settings("foldline run"))


@pytest.fixture(scope="module")
def answers(secured: Secured, foldline: Foldline) -> Iterator[dict[tuple[str, str], Future[Answer]]]:
    """What each command says to each fault. All at once: each waits its ten seconds."""
    with ThreadPoolExecutor(16) as threads:
        yield {
            (wrong, user): threads.submit(
                foldline.but(**settings, FOLDLINE_KAFKA__SASL_USERNAME=user), "--debug", *_COMMANDS[user]
            )
            for wrong, settings in _wrong(secured).items()
            for user in _COMMANDS
        }


def test_every_refusal_of_the_page_is_tried(secured: Secured) -> None:
    assert set(_SAID) == set(_wrong(secured))


@pytest.mark.parametrize("user", _COMMANDS)
@pytest.mark.parametrize("wrong", _SAID)
def test_it_is_one_line(answers: dict[tuple[str, str], Future[Answer]], user: str, wrong: str) -> None:
    assert_refused(answers[wrong, user].result(), _SAID[wrong])


@pytest.mark.parametrize("user", _COMMANDS)
def test_a_broker_without_tls_hears_nothing_but_an_attempt_at_it(foldline: Foldline, user: str) -> None:
    with listener(b"\x00", after=1) as (address, heard):
        refused = foldline.but(KAFKA_BOOTSTRAP_SERVERS=address)(*_COMMANDS[user])
    assert_refused(refused, "cannot be reached")
    assert heard
    assert all(said.startswith(_TLS_HANDSHAKE) and KAFKA_CANARY.encode() not in said for said in heard)
