"""Settings: where they are found, what decides, and what is said of a wrong one. Never a value."""

from __future__ import annotations

from pathlib import Path

import pytest

from foldline.settings import Origin, SettingFaults, load_settings, read_settings, variables

CANARY = "c4n4ry"


def _write(directory: Path, *, env: str = "", toml: str = "") -> None:
    if env:
        (directory / ".env").write_text(env, encoding="utf-8")
    if toml:
        (directory / "foldline.toml").write_text(toml, encoding="utf-8")


def _refusal(environment: dict[str, str], directory: Path) -> SettingFaults:
    with pytest.raises(SettingFaults) as refused:
        load_settings(environment, directory)
    assert "\n" not in str(refused.value)
    return refused.value


def test_the_environment_decides_then_dotenv_then_toml_then_the_default(tmp_path: Path) -> None:
    _write(
        tmp_path,
        env="FOLDLINE_GROUP_ID=env\nFOLDLINE_START=earliest\nFOLDLINE_KAFKA__CLIENT_ID=env\n",
        toml='group_id = "toml"\nstart = ""\nintent_topic = "toml"\n[kafka.client]\nid = "toml"\nrack = "toml"\n',
    )
    settings = load_settings({"FOLDLINE_GROUP_ID": "environment"}, tmp_path)
    assert (settings.group_id, settings.start, settings.intent_topic) == ("environment", "earliest", "toml")
    assert settings.deadletter_topic == "fsm.deadletters.v1"
    assert settings.kafka_properties(None) == {"client.id": "env", "client.rack": "toml"}
    assert [settings.origin(f"FOLDLINE_{name}") for name in ("GROUP_ID", "START", "INTENT_TOPIC", "HOME")] == [
        Origin("FOLDLINE_GROUP_ID", "environment"),
        Origin("FOLDLINE_START", ".env", 2),
        Origin("intent_topic", "foldline.toml"),
        None,
    ]


@pytest.mark.parametrize(
    "toml",
    [
        'FOLDLINE_GROUP_ID = "g"\nDATABASE_URL = "d"\nFOLDLINE_KAFKA__SASL_MECHANISM = "PLAIN"',
        'foldline_group_id = "g"\ndatabase_url = "d"\n[kafka]\nsasl_mechanism = "PLAIN"',
        'group_id = "g"\ndatabase_url = "d"\n[kafka]\nsasl.mechanism = "PLAIN"',
        '\ufeffGroup_Id = "g"\nDatabase_URL = "d"\n[kafka]\n"SASL.Mechanism" = "PLAIN"',
    ],
)
def test_toml_holds_the_names_of_the_environment_in_either_case(tmp_path: Path, toml: str) -> None:
    _write(tmp_path, toml=toml)
    settings = load_settings({}, tmp_path)
    assert settings.group_id == "g"
    assert settings.database_url is not None
    assert settings.database_url.get_secret_value() == "d"
    assert settings.kafka_properties("b:1") == {"sasl.mechanism": "PLAIN", "bootstrap.servers": "b:1"}


def test_lists_are_arrays_or_texts_and_properties_are_numbers_or_booleans_too(tmp_path: Path) -> None:
    _write(
        tmp_path,
        env="FOLDLINE_WORKFLOW_TOPICS=a, b,,a\nFOLDLINE_MACHINES=/m:n\n",
        toml='transition_topics = ["c", "d"]\nbatch_size = 7\n[kafka]\nsession.timeout.ms = 6000\ncheck.crcs = false\n',
    )
    settings = load_settings({}, tmp_path)
    assert settings.topics == ("c", "d", "a", "b")
    assert settings.machines == (Path("/m"), Path("n"))
    assert settings.batch_size == 7
    assert settings.kafka_properties(None) == {"session.timeout.ms": "6000", "check.crcs": "false"}


def test_every_setting_says_what_it_means() -> None:
    fields = type(load_settings({}, Path("/nowhere"))).model_fields
    assert set(variables().values()) | {"kafka"} == set(fields)
    assert all(field.description and field.description.endswith(".") for field in fields.values())


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("FOLDLINE_GRUOP_ID", "FOLDLINE_GROUP_ID"),
        ("foldline_group_id", "FOLDLINE_GROUP_ID"),
        ("FOLDLINE_TRANSITIONS_TOPIC", "FOLDLINE_TRANSITION_TOPICS"),
        ("FOLDLINE_DATABASE_URL", "DATABASE_URL"),
        ("FOLDLINE_BOOTSTRAP_SERVERS", "KAFKA_BOOTSTRAP_SERVERS"),
        ("FOLDLINE_KAFKA_BOOTSTRAP_SERVERS", "KAFKA_BOOTSTRAP_SERVERS"),
        ("FOLDLINE_KAFKA_SASL_PASSWORD", "FOLDLINE_KAFKA__SASL_PASSWORD"),
    ],
)
@pytest.mark.parametrize("where", ["environment", ".env", "foldline.toml"])
def test_an_unknown_name_is_refused_wherever_it_stands_and_the_nearest_named(
    tmp_path: Path, name: str, meant: str, where: str
) -> None:
    environment = {name: CANARY} if where == "environment" else {}
    if where == "foldline.toml":
        if name == "foldline_group_id":
            return  # in TOML that is the setting
        _write(tmp_path, toml=f'{name} = "{CANARY}"\n')
    elif where == ".env":
        _write(tmp_path, env=f"OTHER=1\nexport {name}={CANARY}\n")
    message = str(_refusal(environment, tmp_path))
    place = {"environment": "the environment", ".env": ".env, line 2"}.get(where, where)
    assert message == f"{name} in {place} is no setting of foldline. Did you mean {meant}?"


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        ("group_idd = 1", "group_idd in foldline.toml is no setting of foldline. Did you mean group_id?"),
        ("[tool.foldline]\ngroup_id = 1", "tool in foldline.toml is no setting of foldline. Remove it; "),
        ('kafka = "x"', "kafka in foldline.toml is no setting of foldline. Properties of Kafka are FOLDLINE_KAFKA__"),
        ("[kafka]\nsasl.password = [1]", "kafka.sasl.password in foldline.toml is no text, number, true or false."),
        (
            "[kafka]\ngroup.id = 1",
            "kafka.group.id in foldline.toml is refused: foldline decides group.id. Set FOLDLINE_G",
        ),
        ("group_id = 5", "group_id in foldline.toml should be a valid string."),
        ("database_url = 5", "database_url in foldline.toml should be a valid string."),
        ("batch_size = true", "batch_size in foldline.toml is no number."),
        ("transition_topics = [1, 2]", "transition_topics in foldline.toml should be a valid string."),
        ("group_id = x", "foldline.toml, line 1: Invalid value. Correct it: it is TOML"),
        ("\n\ngroup_id = ", "foldline.toml"),
        ("group_id = 'a'\ngroup_id = 'b'\n", "foldline.toml"),
    ],
)
def test_what_is_wrong_with_toml_is_one_line(tmp_path: Path, toml: str, message: str) -> None:
    _write(tmp_path, toml=toml)
    assert str(_refusal({}, tmp_path)).startswith(message)


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"DATABASE_URL": ""}, "DATABASE_URL in the environment is empty."),
        ({"KAFKA_BOOTSTRAP_SERVERS": ""}, "KAFKA_BOOTSTRAP_SERVERS in the environment is empty."),
        ({"FOLDLINE_GROUP_ID": ""}, "FOLDLINE_GROUP_ID in the environment is empty."),
        ({"FOLDLINE_HOME": ""}, "FOLDLINE_HOME in the environment is empty."),
        ({"FOLDLINE_BATCH_SIZE": CANARY}, "FOLDLINE_BATCH_SIZE in the environment should be a valid integer"),
        ({"FOLDLINE_BATCH_SIZE": "0"}, "FOLDLINE_BATCH_SIZE in the environment should be greater than or equal to 1."),
        ({"FOLDLINE_START": CANARY}, "FOLDLINE_START in the environment should be '' or 'earliest'."),
        (
            {"FOLDLINE_SHIPPED_MACHINES": CANARY},
            "FOLDLINE_SHIPPED_MACHINES in the environment should be 'on' or 'off'.",
        ),
        ({"FOLDLINE_TRANSITION_TOPICS": " , "}, "FOLDLINE_TRANSITION_TOPICS in the environment names no topic."),
        (
            {"FOLDLINE_TRANSITION_TOPICS": f"^{CANARY}"},
            "FOLDLINE_TRANSITION_TOPICS in the environment is no name of a t",
        ),
        ({"FOLDLINE_INTENT_TOPIC": f"{CANARY}!"}, "FOLDLINE_INTENT_TOPIC in the environment is no name of a topic"),
        (
            {"FOLDLINE_WORKFLOW_TOPICS": "fsm.transitions.v1"},
            "FOLDLINE_WORKFLOW_TOPICS in the environment: fsm.transitio",
        ),
        (
            {"FOLDLINE_TRANSITION_TOPICS": "fsm.intents.v1"},
            "FOLDLINE_TRANSITION_TOPICS in the environment: fsm.intents.v",
        ),
        (
            {"KAFKA_BOOTSTRAP_SERVERS": f"u:{CANARY}@h:9092"},
            "KAFKA_BOOTSTRAP_SERVERS in the environment has no place f",
        ),
        (
            {"FOLDLINE_KAFKA__ENABLE_AUTO_COMMIT": "true"},
            "FOLDLINE_KAFKA__ENABLE_AUTO_COMMIT in the environment is ref",
        ),
        ({"FOLDLINE_KAFKA__BOOTSTRAP_SERVERS": "h"}, "FOLDLINE_KAFKA__BOOTSTRAP_SERVERS in the environment is refused"),
        *(
            ({"FOLDLINE_HTTP_LISTEN": wrong}, "FOLDLINE_HTTP_LISTEN in the environment is no host:port")
            for wrong in (
                "9464",
                ":9464",
                f"{CANARY}:",
                "127.0.0.1:http",
                "::1:9464",
                "[::1]",
                "[h]:9464",
                "h h:1",
                "h:1234567",
            )
        ),
        ({"FOLDLINE_HTTP_LISTEN": "127.0.0.1:0"}, "FOLDLINE_HTTP_LISTEN in the environment has no port between 1 and"),
        ({"FOLDLINE_HTTP_LISTEN": "[::1]:65536"}, "FOLDLINE_HTTP_LISTEN in the environment has no port between 1 and"),
        ({"FOLDLINE_HTTP_LISTEN": ""}, "FOLDLINE_HTTP_LISTEN in the environment is empty."),
        ({"FOLDLINE_PROGRESS_SECONDS": "9"}, "FOLDLINE_PROGRESS_SECONDS in the environment should be greater than or"),
        ({"FOLDLINE_KAFKA__": CANARY}, "FOLDLINE_KAFKA__ in the environment is no setting of foldline."),
    ],
    ids=str,
)
def test_a_wrong_value_is_named_and_not_repeated(environment: dict[str, str], tmp_path: Path, message: str) -> None:
    said = str(_refusal(environment, tmp_path))
    assert said.startswith(message)
    assert CANARY not in said


def test_a_wrong_value_that_another_source_overrides_is_no_fault(tmp_path: Path) -> None:
    _write(tmp_path, env="FOLDLINE_BATCH_SIZE=many\n")
    assert load_settings({"FOLDLINE_BATCH_SIZE": "7"}, tmp_path).batch_size == 7


def test_all_faults_are_found_and_the_message_tells_the_first_and_how_many_more(tmp_path: Path) -> None:
    _write(tmp_path, env="FOLDLINE_STRAT=x\nFOLDLINE_BATCH_SIZE=many\n", toml="group_idd = 1\nintent_topic = 'i'\n")
    faults = _refusal({"FOLDLINE_HOEM": "/"}, tmp_path)
    assert str(faults).endswith("Did you mean FOLDLINE_HOME? (3 more: `foldline config` lists all.)")
    assert [fault.origin.name for fault in faults.faults] == [
        "FOLDLINE_HOEM",
        "FOLDLINE_STRAT",
        "group_idd",
        "FOLDLINE_BATCH_SIZE",
    ]
    reading = read_settings({"FOLDLINE_HOEM": "/"}, tmp_path)
    assert reading.faults == faults.faults
    assert (reading.settings.intent_topic, reading.settings.batch_size) == ("i", 5000)
    assert reading.settings.origin("FOLDLINE_BATCH_SIZE") is None


def test_odd_lines_of_dotenv_are_read_or_refused_with_their_number(tmp_path: Path) -> None:
    _write(
        tmp_path,
        env="\ufeff# why\nexport FOLDLINE_GROUP_ID = 'a # b' # why\n\n!! not ours's\nFOLDLINE_START=\"earliest\"\n",
    )
    settings = load_settings({}, tmp_path)
    assert (settings.group_id, settings.start) == ("a # b", "earliest")
    _write(tmp_path, env=f"A=1\nFOLDLINE_GROUP_ID='{CANARY}\nDATABASE_URL {CANARY}\nFOLDLINE_HOME\n")
    faults = _refusal({}, tmp_path)
    assert [(fault.origin.name, fault.origin.line) for fault in faults.faults] == [
        ("FOLDLINE_HOME", 4),
        (None, 2),
        (None, 3),
    ]
    assert CANARY not in repr(faults.faults)


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    (tmp_path / ".env").mkdir()  # somebody's virtual environment
    assert load_settings({}, tmp_path).group_id == "foldline"
    (tmp_path / "foldline.toml").mkdir()
    assert str(_refusal({}, tmp_path)).startswith("foldline.toml cannot be read: Is a directory.")
    (tmp_path / "foldline.toml").rmdir()
    (tmp_path / "foldline.toml").write_bytes(b'\ngroup_id = "\xff"\n')
    assert str(_refusal({}, tmp_path)).startswith("foldline.toml, line 2 is not UTF-8.")


@pytest.mark.parametrize("name", ["DATABSE_URL", "DATABASE_URI", "database_url"])
def test_a_near_miss_of_a_server_is_known_while_the_server_is_not(tmp_path: Path, name: str) -> None:
    _write(tmp_path, env=f"TEST_DATABASE_URL=x\n{name}={CANARY}\n")
    settings = load_settings({}, tmp_path)
    assert settings.near_miss("DATABASE_URL") == Origin(name, ".env", 2)
    assert settings.near_miss("KAFKA_BOOTSTRAP_SERVERS") is None
    assert load_settings({"DATABASE_URL": "x"}, tmp_path).near_miss("DATABASE_URL") is None


def test_nothing_secret_is_in_the_representation(tmp_path: Path) -> None:
    _write(tmp_path, env=f"DATABSE_URL={CANARY}\n", toml=f"[kafka]\nsasl.password = '{CANARY}'\n")
    reading = read_settings(
        {"DATABASE_URL": CANARY, "FOLDLINE_KAFKA__SSL_KEY_PEM": CANARY, "FOLDLINE_KAFKA__SASL_PASWORD": CANARY},
        tmp_path,
    )
    assert not reading.faults
    assert CANARY not in repr(reading) + str(reading.settings) + repr(reading.settings.model_dump())
    assert CANARY not in reading.settings.model_dump_json()
    assert reading.settings.kafka_properties(None)["sasl.password"] == CANARY
