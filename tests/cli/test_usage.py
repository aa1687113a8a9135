"""Bad usage and missing settings: one clear line, before anything is asked of a server."""

from __future__ import annotations

import subprocess
import sys

import pytest

from commands import Commands


def test_the_version_is_printed(foldline: Commands) -> None:
    assert foldline("--version").out.startswith("foldline 0.")


def test_the_package_runs_as_a_module() -> None:
    ended = subprocess.run([sys.executable, "-m", "foldline", "--help"], check=True, capture_output=True, text=True)
    assert "deadletters" in ended.stdout


@pytest.mark.parametrize(
    "words",
    [
        ["nonsense"],
        ["status", "--nonsense"],
        ["history", "INGESTION"],
        ["migrate", "--rollback", "x"],
        ["migrate", "--rollback", "4"],
        ["migrate", "--rollback", "4", "--status", "--yes"],
        ["migrate", "--yes"],
        ["topics", "delete"],
        ["topics", "check", "--partitions", "3"],
        ["topics", "create", "--partitions", "0"],
        ["workflows", "--status", "LOST"],
        ["workflows", "--status", "RUNNING", "--stuck", "3"],
        ["workflows", "--status", "RUNNING", "show", "wf-1"],
        ["deadletters", "show", "first"],
        ["deadletters", "list", "--limit", "0"],
        ["up", "--json"],
        ["up", "--once", "no-such-file.jsonl"],
        ["up", "--once", "/"],
        ["demo", "--seconds", "x"],
        ["deadletters", "list", "--limit"],
        ["history", "A", "b", "c"],
        ["positions", "accept"],
        ["positions", "accept", "t"],
        ["positions", "accept", "t", "--why", " "],
        ["positions", "accept", "t", "x", "--why", "y"],
        ["positions", "accept", "t", "-1", "--why", "y"],
        ["positions", "accept", "t", "--why", 1_001 * "y"],
        ["positions", "--json", "accept", "t", "--why", "y"],
    ],
    ids=lambda words: " ".join(words)[:40],
)
def test_bad_usage_ends_with_2(foldline: Commands, words: list[str]) -> None:
    answer = foldline(*words)
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.startswith("foldline: ")
    assert answer.err.count("\n") == 1
    assert answer.err.endswith(".\n")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["stauts"], "No such command 'stauts'. Did you mean 'status'? See `foldline --help`."),
        (["deadletters", "lst"], "No such command 'lst'. Did you mean 'list'? See `foldline deadletters --help`."),
        (["status", "--jsn"], "No such option: --jsn (Possible options: --json). See `foldline status --help`."),
        (["topics", "chek"], "Invalid value for 'action': 'chek' is not one of 'check', 'create'. See `foldline topic"),
        (["history", "A"], "Missing argument 'ENTITY_ID'. See `foldline history --help`."),
        (["deadletters", "show", "x"], "Invalid value for 'ID': should be a valid integer, unable to parse string as"),
        (
            ["status", "--debug"],
            "No such option: --debug. It stands before the command: `foldline --debug` and the oth",
        ),
    ],
    ids=lambda given: " ".join(given) if isinstance(given, list) else "",
)
def test_bad_usage_names_what_was_meant_or_where_to_look(foldline: Commands, words: list[str], said: str) -> None:
    assert foldline(*words).err.startswith(f"foldline: {said}")


@pytest.mark.parametrize("words", [[], ["deadletters"]], ids=["foldline", "deadletters"])
def test_without_a_command_the_help_is_shown(foldline: Commands, words: list[str]) -> None:
    answer = foldline(*words)
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.startswith(f"Usage: {' '.join(['foldline', *words])} ")


def test_a_rollback_without_a_terminal_and_without_yes_names_the_option(foldline: Commands) -> None:
    answer = foldline("migrate", "--rollback", "001")
    assert answer.code == 2
    assert "--yes" in answer.err


def test_files_for_up_need_once(foldline: Commands) -> None:
    file = foldline.directory / "events.jsonl"
    file.write_bytes(b"")
    answer = foldline("up", str(file))
    assert answer.code == 2
    assert "--once" in answer.err


@pytest.mark.parametrize("name", ["DATABASE_URL", "KAFKA_BOOTSTRAP_SERVERS"])
def test_up_is_refused_beside_servers_that_are_set(foldline: Commands, name: str) -> None:
    foldline.set(**{name: "host=localhost"})
    answer = foldline("up")
    assert answer.code == 2
    assert all(word in answer.err for word in (name, "foldline migrate", "foldline run"))


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (["migrate"], "DATABASE_URL"),
        (["run"], "DATABASE_URL"),
        (["status"], "DATABASE_URL"),
        (["positions"], "DATABASE_URL"),
        (["history", "INGESTION", "doc-1"], "DATABASE_URL"),
        (["workflows"], "DATABASE_URL"),
        (["deadletters", "list"], "DATABASE_URL"),
        (["topics"], "KAFKA_BOOTSTRAP_SERVERS"),
        (["publish", "-"], "KAFKA_BOOTSTRAP_SERVERS"),
    ],
    ids=lambda words: words[0] if isinstance(words, list) else words,
)
def test_a_missing_setting_is_named_in_one_line(foldline: Commands, words: list[str], name: str) -> None:
    answer = foldline(*words)
    assert (answer.code, answer.out) == (1, "")
    assert answer.err.startswith(f"foldline: {name} is not set")
    assert answer.err.count("\n") == 1


def test_a_command_needs_only_what_it_uses(foldline: Commands) -> None:
    foldline.set(DATABASE_URL="postgresql://nobody@127.0.0.1:1/none")
    assert foldline("publish", "-").err.startswith("foldline: KAFKA_BOOTSTRAP_SERVERS is not set")


def test_an_unknown_setting_is_refused_with_the_one_that_is_near(foldline: Commands) -> None:
    foldline.set(FOLDLINE_GRUOP_ID="x")
    answer = foldline("status")
    assert answer.code == 1
    assert "FOLDLINE_GROUP_ID" in answer.err
