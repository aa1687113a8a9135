"""Kafka properties before a client is made: their names, and which of their values may be shown. Without a broker."""

from __future__ import annotations

from contextlib import nullcontext

import pytest
from confluent_kafka import Consumer, KafkaException, Producer

from foldline.errors import SettingError
from foldline.kafka.connection import Connection
from foldline.kafka.names import NAMES, unknown
from foldline.kafka.properties import consumer_properties, left_to_broker, producer_properties
from foldline.kafka.secrecy import concealed, may_show

CANARY = "c4n4ry"
SASL = {"security.protocol": "sasl_ssl", "sasl.mechanism": "OAUTHBEARER", "sasl.oauthbearer.method": "oidc"}
SECRETS = [
    "https.ca.pem",
    "sasl.kerberos.keytab",
    "sasl.kerberos.kinit.cmd",
    "sasl.oauthbearer.assertion.private.key.passphrase",
    "sasl.oauthbearer.assertion.private.key.pem",
    "sasl.oauthbearer.client.credentials.client.secret",
    "sasl.oauthbearer.client.secret",
    "sasl.oauthbearer.config",
    "sasl.oauthbearer.extensions",
    "sasl.oauthbearer.token.endpoint.url",
    "sasl.password",
    "ssl.ca.pem",
    "ssl.certificate.pem",
    "ssl.key.password",
    "ssl.key.pem",
    "ssl.keystore.password",
]


def test_librdkafka_knows_every_name_on_the_list() -> None:
    for name in NAMES:
        with pytest.raises(Exception) as refused:  # noqa: PT011 - of several kinds: the second property is impossible
            Producer({name: "", "foldline.no.such.property": ""})
        assert f'No such configuration property: "{name}"' not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("session.timeout", "session.timeout.ms"),
        ("sasl.passwrd", "sasl.password"),
        ("securty.protocol", "security.protocol"),
        ("basic.auth.user.info", None),
        ("default.topic.config", None),
    ],
)
def test_an_unknown_name_has_the_nearest_known_one(name: str, meant: str | None) -> None:
    assert unknown([name, "session.timeout.ms"]) == {name: meant}


def test_what_is_not_on_the_list_is_asked_of_librdkafka(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("foldline.kafka.names.NAMES", NAMES - {"client.rack"})
    assert unknown(["client.rack", "client.rak"]).keys() == {"client.rak"}


@pytest.mark.parametrize("name", [*SECRETS, "sasl.pasword", "nonsense", "client.id "])
def test_a_secret_or_unknown_property_is_hidden(name: str) -> None:
    assert not may_show(name, CANARY)
    assert concealed(f"{CANARY}: no", {name: CANARY}) == "***: no"


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("sasl.username", "user", True),
        ("ssl.key.location", "/etc/key.pem", True),
        ("ssl.key.location", f"-----BEGIN PRIVATE KEY-----\n{CANARY}", False),
        ("ssl.ca.location", f"https://user:{CANARY}@host/ca", False),
        ("bootstrap.servers", "host:9092", True),
    ],
)
def test_other_values_are_shown_unless_they_are_keys_or_hold_passwords(name: str, value: str, *, shown: bool) -> None:
    assert may_show(name, value) is shown


@pytest.mark.parametrize("name", SECRETS)
def test_what_librdkafka_says_of_a_secret_is_told_without_it(name: str) -> None:
    with pytest.raises(SettingError) as refused:
        Connection({**SASL, name: CANARY, "session.timeout.ms": "x"}).client(Producer)
    assert CANARY not in str(refused.value)


def test_a_refused_value_names_its_setting() -> None:
    with pytest.raises(SettingError) as refused:
        Connection({"bootstrap.servers": "h", "sasl.password": "refuses", "session.timeout.ms": "x"}).client(Producer)
    assert str(refused.value) == (
        'librdkafka *** its properties: Invalid value for configuration property "session.timeout.ms".'
        " Correct FOLDLINE_KAFKA__SESSION_TIMEOUT_MS; `foldline config` shows them."
    ).replace("***", "refuses")


def test_what_the_guarantees_rest_on_stands_above_the_users_properties() -> None:
    wanted = {"acks": "1", "enable.idempotence": "false", "enable.partition.eof": "false", "linger.ms": "7"}
    wanted |= {"max.in.flight": "5", "max.in.flight.requests.per.connection": "5"}  # two names of one: the last counts
    assert producer_properties(wanted)["acks"] == "all"
    assert producer_properties(wanted)["max.in.flight.requests.per.connection"] == 1
    in_order = list(producer_properties(wanted))
    assert in_order.index("max.in.flight") < in_order.index("max.in.flight.requests.per.connection")
    assert producer_properties(wanted)["enable.idempotence"] is True
    assert producer_properties(wanted)["linger.ms"] == "7"
    assert consumer_properties(wanted, "g")["enable.partition.eof"] is True
    assert consumer_properties({"fetch.wait.max.ms": "9"}, "g")["fetch.wait.max.ms"] == "9"


@pytest.mark.parametrize("protocol", ["classic", "consumer", "Consumer"])
def test_librdkafka_takes_what_we_set_beneath_and_above_in_either_group_protocol(protocol: str) -> None:
    ours = consumer_properties({"bootstrap.servers": "127.0.0.1:1", "group.protocol": protocol}, "g")
    Connection(ours).client(Consumer).close()
    assert ("partition.assignment.strategy" in ours) is (protocol == "classic")


@pytest.mark.parametrize(
    ("name", "value", "refused"),
    [
        ("session.timeout.ms", "6000", True),
        ("heartbeat.interval.ms", "500", True),
        ("partition.assignment.strategy", "cooperative-sticky", True),
        ("group.protocol.type", "consumer", True),
        ("group.remote.assignor", "uniform", False),
        ("group.instance.id", "a", False),
        ("max.poll.interval.ms", "60000", False),
    ],
)
def test_what_librdkafka_refuses_with_the_consumer_protocol_is_known(name: str, value: str, *, refused: bool) -> None:
    wanted = {"bootstrap.servers": "127.0.0.1:1", "group.id": "g", "group.protocol": "consumer", name: value}
    assert (name in left_to_broker(wanted)) is refused
    assert not left_to_broker(wanted | {"group.protocol": "classic"})
    with pytest.raises(KafkaException, match=name) if refused else nullcontext():
        Consumer({"log_level": 0, **wanted}).close()
