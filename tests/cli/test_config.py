"""`foldline config`: what is in force, from where, without a secret and without a server; nor a secret elsewhere."""

from __future__ import annotations

import pytest

from commands import Answer, Commands

CANARY = "c4n4ry"
URLS = [
    f"postgresql://user:{CANARY}@127.0.0.1:1/db",
    f"postgresql://user@127.0.0.1:1/db?password={CANARY}&sslpassword={CANARY}",
    f"host=127.0.0.1 port=1 user=user password='{CANARY} {CANARY}' dbname=db",
    f"postgresql://user@127.0.0.1:1/db?options=-c%20my.token%3D{CANARY}",
    f"postgresql://user@127.0.0.1:1/db?passfile={CANARY}",
    f"postgresql://user:{CANARY}@{CANARY}@127.0.0.1/db",
    f"postgresql://user:1/{CANARY}@127.0.0.1/db",
    f"postgresql://user:{CANARY}/db",
    f"postgres//user:{CANARY}@127.0.0.1/db",
    f"dbname='db password={CANARY}' host=127.0.0.1 port=1",
    f"password={CANARY} nonsense",
]
PROPERTIES = [
    *("SASL_PASSWORD", "SASL_PASWORD", "SSL_KEY_PASSWORD", "SSL_KEY_PEM", "SASL_OAUTHBEARER_CLIENT_SECRET"),
    *("SASL_OAUTHBEARER_CONFIG", "SASL_OAUTHBEARER_TOKEN_ENDPOINT_URL", "BASIC_AUTH_USER_INFO", "SASL_JAAS_CONFIG"),
    *("SECRET", "LOGGER", "ERROR_CB"),
]
PLANTED = [
    *({"environment": {"DATABASE_URL": url}} for url in URLS),
    {".env": f'DATABASE_URL="{URLS[0]}"\n'},
    {"foldline.toml": f'database_url = "{URLS[-1]}"\n'},
    *({"environment": {f"FOLDLINE_KAFKA__{name}": CANARY}} for name in PROPERTIES),
    {".env": "".join(f"FOLDLINE_KAFKA__{name}={CANARY}\n" for name in PROPERTIES)},
    {"foldline.toml": "".join(f"kafka.{name.lower()} = '{CANARY}'\n" for name in PROPERTIES)},
    {"environment": {"FOLDLINE_KAFKA__SSL_KEY_LOCATION": f"-----BEGIN PRIVATE KEY-----\n{CANARY}"}},
    {"environment": {"KAFKA_BOOTSTRAP_SERVERS": f"user:{CANARY}@127.0.0.1:1"}},
    {"environment": {"DATABSE_URL": URLS[0], "FOLDLINE_PASSWORD": CANARY}},
    {"environment": {"FOLDLINE_BATCH_SIZE": CANARY, "FOLDLINE_START": CANARY}},
    {".env": f"FOLDLINE_KAFKA_SASL_PASSWORD={CANARY}\nDATABASE_URL='{CANARY}\nFOLDLINE_X {CANARY}\n"},
    {"foldline.toml": f"password = '{CANARY}'\n"},
    {"foldline.toml": f"database_url = {CANARY}\n"},
    {"foldline.toml": f"[kafka]\nsasl_password = ['{CANARY}']\n"},
]


def _plant(foldline: Commands, planted: dict[str, object]) -> None:
    for where, what in planted.items():
        if isinstance(what, dict):
            foldline.set(**what)
        else:
            (foldline.directory / where).write_text(str(what), encoding="utf-8")


@pytest.mark.parametrize("planted", PLANTED, ids=str)
def test_a_secret_is_in_no_output(foldline: Commands, planted: dict[str, object]) -> None:
    _plant(foldline, planted)
    for words in (["config"], ["--debug", "config", "--json"], ["--debug", "migrate", "--status"], ["publish", "-"]):
        answer = foldline(*words)
        assert CANARY not in answer.out + answer.err
        assert answer.err or answer.code == 0


def _value(answer: Answer, name: str) -> tuple[str | None, str | None]:
    (each,) = [each for each in answer.document["settings"] if each["name"] == name]
    return each["value"], each["source"]


def test_every_setting_is_told_with_where_it_comes_from(foldline: Commands) -> None:
    foldline.set(DATABASE_URL=URLS[0], FOLDLINE_MACHINES="a:b")
    (foldline.directory / ".env").write_text("FOLDLINE_START=earliest\n", encoding="utf-8")
    (foldline.directory / "foldline.toml").write_text(
        "batch_size = 7\nworkflow_topics = ['a', 'b']\n", encoding="utf-8"
    )
    answer = foldline("config", "--json")
    assert answer.json["faults"] == []
    assert _value(answer, "DATABASE_URL") == ("user=user password=*** dbname=db host=127.0.0.1 port=1", "environment")
    assert _value(answer, "KAFKA_BOOTSTRAP_SERVERS") == (None, None)
    assert _value(answer, "FOLDLINE_GROUP_ID") == ("foldline", "default")
    assert _value(answer, "FOLDLINE_MACHINES") == ("a:b", "environment")
    assert _value(answer, "FOLDLINE_START") == ("earliest", ".env")
    assert _value(answer, "FOLDLINE_BATCH_SIZE") == ("7", "foldline.toml")
    assert _value(answer, "FOLDLINE_WORKFLOW_TOPICS") == ("a,b", "foldline.toml")
    readable = foldline("config").out
    assert "FOLDLINE_START              earliest" in readable
    assert ".env, line 1\n" in readable
    assert "foldline.toml: batch_size\n" in readable


def test_kafka_properties_are_told_as_librdkafka_gets_them(foldline: Commands) -> None:
    foldline.set(
        KAFKA_BOOTSTRAP_SERVERS="127.0.0.1:1",
        FOLDLINE_KAFKA__ACKS="1",
        FOLDLINE_KAFKA__SASL_USERNAME="user",
        FOLDLINE_KAFKA__SASL_PASSWORD=CANARY,
    )
    told = foldline("config", "--json").json
    worker, publisher = (
        {each["property"]: (each["value"], each["source"], each["overruled"]) for each in told[client]}
        for client in ("worker", "publisher")
    )
    assert worker["bootstrap.servers"] == publisher["bootstrap.servers"] == ("127.0.0.1:1", "environment", None)
    assert worker["group.id"] == ("foldline", "default", None)
    assert worker["isolation.level"] == ("read_committed", "foldline", None)
    assert worker["sasl.username"] == ("user", "environment", None)
    assert worker["sasl.password"] == ("***", "environment", None)
    assert publisher["acks"] == ("all", "foldline", "FOLDLINE_KAFKA__ACKS")
    assert "foldline, overruling FOLDLINE_KAFKA__ACKS" in foldline("config").out


def test_everything_wrong_is_told_a_line_each_beside_what_is_right(foldline: Commands) -> None:
    foldline.set(
        DATABASE_URL=f"mysql://{CANARY}",
        FOLDLINE_GRUOP_ID="x",
        FOLDLINE_BATCH_SIZE="many",
        FOLDLINE_INTENT_TOPIC="mine",
        FOLDLINE_KAFKA__SESSION_TIMEOUT="5",
    )
    answer = foldline("config")
    assert answer.code == 1
    assert "FOLDLINE_INTENT_TOPIC       mine" in answer.out
    told = [
        ("FOLDLINE_GRUOP_ID", "is no setting of foldline. Did you mean FOLDLINE_GROUP_ID?"),
        ("FOLDLINE_BATCH_SIZE", "should be a valid integer, unable to parse string as an integer. Correct it or remov"),
        ("FOLDLINE_KAFKA__SESSION_TIMEOUT", "is no property of librdkafka. Did you mean FOLDLINE_KAFKA__SESSION_TIMEO"),
        ("DATABASE_URL", "is no PostgreSQL connection string. Write it as postgresql://user:password@host:5432/datab"),
    ]
    for line, (name, said) in zip(answer.err.splitlines(), told, strict=True):
        assert line.startswith(f"foldline: {name} in the environment {said}")
    listed = foldline("config", "--json")
    assert listed.code == 1
    assert [fault["setting"] for fault in listed.document["faults"]] == [name for name, _ in told]


@pytest.mark.parametrize("words", [["topics"], ["publish", "-"], ["run"], ["status"]], ids=" ".join)
@pytest.mark.parametrize("where", ["environment", "foldline.toml"])
def test_a_misspelt_kafka_property_ends_what_uses_kafka(
    foldline: Commands, database_url: str, words: list[str], where: str
) -> None:
    foldline.set(DATABASE_URL=database_url, KAFKA_BOOTSTRAP_SERVERS="127.0.0.1:1")
    written, meant = "FOLDLINE_KAFKA__SESSION_TIMEOUT", "FOLDLINE_KAFKA__SESSION_TIMEOUT_MS"
    if where == "environment":
        foldline.set(**{written: "5"})
    else:
        written, meant = "kafka.session.timeout", "kafka.session.timeout.ms"
        (foldline.directory / where).write_text(f"{written} = 5\n", encoding="utf-8")
    answer = foldline(*words)
    assert answer.code == (0 if words == ["status"] else 1)  # which then tells what it can without Kafka
    assert f"{written} in {'the ' if where == 'environment' else ''}{where} is no property of librdkafka." in answer.err
    assert answer.err.endswith(f"Did you mean {meant}?\n")
    assert answer.err.count("\n") == 1
    assert foldline("migrate", "--status").code == 0


@pytest.mark.parametrize(
    "name", ["SESSION_TIMEOUT_MS", "HEARTBEAT_INTERVAL_MS", "PARTITION_ASSIGNMENT_STRATEGY", "GROUP_PROTOCOL_TYPE"]
)
def test_what_the_group_protocol_leaves_to_the_broker_is_refused_before_librdkafka_does(
    foldline: Commands, name: str
) -> None:
    foldline.set(
        DATABASE_URL=URLS[0],
        KAFKA_BOOTSTRAP_SERVERS="127.0.0.1:1",
        FOLDLINE_KAFKA__GROUP_PROTOCOL="Consumer",
        **{f"FOLDLINE_KAFKA__{name}": "7"},
    )
    said = f"foldline: FOLDLINE_KAFKA__{name} in the environment cannot be set with group.protocol=consumer. Unset it"
    for words in (["config"], ["topics"]):
        answer = foldline(*words)
        assert answer.code == 1
        assert answer.err.startswith(said)
        assert answer.err.count("\n") == 1
    foldline.set(FOLDLINE_KAFKA__GROUP_PROTOCOL="classic")
    assert foldline("config").code == 0


def test_a_near_miss_of_a_missing_setting_is_named(foldline: Commands) -> None:
    foldline.set(DATABSE_URL=URLS[0])
    assert "DATABSE_URL in the environment looks like it: correct its name." in foldline("migrate").err
