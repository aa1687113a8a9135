"""What shells are told when somebody presses Tab: by the protocol that the installed scripts speak."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import pytest

from commands import Commands


def _asked(shell: str, line: str) -> dict[str, str]:
    return {
        "_FOLDLINE_COMPLETE": f"complete_{shell}",
        "COMP_WORDS": line,
        "COMP_CWORD": str(line.count(" ")),
        "_TYPER_COMPLETE_ARGS": line,
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
    }


def _ask(foldline: Commands, shell: str, line: str) -> str:
    answer = replace(foldline, settings=foldline.settings | _asked(shell, line))()
    assert (answer.code, answer.err) == (0, "")
    return answer.out


@pytest.mark.parametrize(
    ("shell", "line", "offered"),
    [
        ("bash", "foldline sta", "status\n"),
        ("bash", "foldline deadletters ", "list\nshow\nredrive\ndrop\nexport\n"),
        ("bash", "foldline status --j", "--json\n"),
        ("bash", "foldline topics c", "check\ncreate\n"),
        ("bash", "foldline workflows --status P", "PAUSED\n"),
        ("bash", "foldline history PATT", "PATTERN_LEARNING\n"),
        ("bash", "foldline machines graph Q", "QUALITY_ASSESSMENT\n"),
        ("bash", "foldline publish some", "\n"),
        ("zsh", "foldline history I", "_arguments '*: :((\"INGESTION\"))'\n"),
        ("fish", "foldline history I", "INGESTION\n"),
    ],
)
def test_subcommands_options_choices_and_machines_are_offered(
    foldline: Commands, shell: str, line: str, offered: str
) -> None:
    assert _ask(foldline, shell, line) == offered


def test_machines_come_from_the_definitions_that_are_set_and_only_plain_names_are_offered(foldline: Commands) -> None:
    machine = "version: 1\ninitial: A\nstates: {A: , B: {final: true}}\ntransitions: [{action: GO, from: A, to: B}]\n"
    for number, name in enumerate(["MINE", '"$(touch owned)"', "'MI NE'"]):
        (foldline.directory / f"{number}.yaml").write_text(f"fsm_type: {name}\n{machine}", encoding="utf-8")
    foldline.set(FOLDLINE_MACHINES=".", FOLDLINE_SHIPPED_MACHINES="off")
    assert _ask(foldline, "bash", "foldline history ") == "MINE\n"


def test_nothing_is_said_and_nobody_asked_whatever_is_wrong(foldline: Commands) -> None:
    foldline.set(FOLDLINE_NONSENSE="1", DATABASE_URL="nonsense", KAFKA_BOOTSTRAP_SERVERS="127.0.0.1:1")
    assert _ask(foldline, "bash", "foldline history ") == "\n"
    del foldline.settings["FOLDLINE_NONSENSE"]
    foldline.set(FOLDLINE_MACHINES="/nowhere")
    assert _ask(foldline, "fish", "foldline history ") == "\n"
    foldline.set(FOLDLINE_MACHINES="")
    assert "INGESTION" in _ask(foldline, "zsh", "foldline history ")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_shell_has_its_script(foldline: Commands, shell: str) -> None:
    foldline.set(_FOLDLINE_COMPLETE=f"source_{shell}")
    assert f"_FOLDLINE_COMPLETE=complete_{shell}" in foldline().out


def test_completion_is_installed_for_the_shell_that_asks_and_works_there(foldline: Commands) -> None:
    home, programs = foldline.directory / "home", foldline.directory / "bin"
    for directory in (home, programs):
        directory.mkdir()
    foldline.set(HOME=str(home), PATH=f"{programs}:{foldline.environment['PATH']}")
    (programs / "foldline").write_text(f'#!/bin/sh\nexec {sys.executable} -m foldline "$@"\n', encoding="utf-8")
    (programs / "foldline").chmod(0o755)
    script = """
        foldline --install-completion >&2
        source ~/.bash_completions/foldline.sh
        COMP_WORDS=(foldline posi) COMP_CWORD=1
        _foldline_completion foldline
        echo "${COMPREPLY[@]}"
    """
    ended = subprocess.run(
        ["bash", "--norc", "-c", script],
        env=foldline.environment,
        cwd=foldline.directory,
        capture_output=True,
        text=True,
        check=True,
    )
    assert ended.stdout == "positions\n"
