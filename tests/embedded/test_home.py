from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from foldline.embedded import default_home, embedded_servers, running_servers
from foldline.embedded.child import Child, Command
from foldline.embedded.home import held_home, tell_running, wipe
from foldline.embedded.orphans import end_kafka
from foldline.embedded.ports import Ports
from foldline.errors import EmbeddedError

if TYPE_CHECKING:
    from embedded.conftest import RunScript

URLS = {"database_url": "postgresql://x", "bootstrap_servers": "127.0.0.1:1"}

HOLD = """
import pathlib, signal, sys
from foldline.embedded.home import held_home
with held_home(pathlib.Path(sys.argv[1])):
    print("held", flush=True)
    signal.pause()
"""


def test_the_default_home_is_absolute_and_ours() -> None:
    assert default_home().is_absolute()
    assert default_home().name == "foldline"


def test_a_directory_of_somebody_else_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "postgres").write_text("mine")
    for fresh in (False, True):
        with pytest.raises(EmbeddedError, match="not a foldline home"), embedded_servers(tmp_path, fresh=fresh):
            pass
    assert [path.name for path in tmp_path.iterdir()] == ["postgres"]


def test_a_comma_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EmbeddedError, match="comma"), held_home(tmp_path / "a,b"):
        pass


def test_what_cannot_be_a_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(EmbeddedError, match="cannot be foldline's home: File exists"), held_home(tmp_path / "file"):
        pass


def test_a_home_is_held_by_one_process_and_free_after_its_death(tmp_path: Path, run_script: RunScript) -> None:
    holder = run_script(HOLD, tmp_path / "home")
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(EmbeddedError, match=rf"in use by process {holder.pid}\."), held_home(tmp_path / "home"):
        pass
    holder.kill()
    holder.wait()
    with held_home(tmp_path / "home") as root:
        assert root == tmp_path / "home"


def test_running_servers_are_those_told_by_the_holder_and_nobody_else(tmp_path: Path) -> None:
    told = tmp_path / "running.json"
    assert running_servers(tmp_path) is None
    with held_home(tmp_path) as root:
        assert running_servers(root) is None, "held, but nothing told yet"
        tell_running(root, URLS)
        assert stat.S_IMODE(told.stat().st_mode) == 0o600
        servers = running_servers(root)
        assert servers is not None
        assert servers.bootstrap_servers == "127.0.0.1:1"
        left = told.read_text()
        told.write_text(json.dumps({**URLS, "pid": os.getpid() + 1}))
        assert running_servers(root) is None, "told by an earlier holder"
        told.write_text(left)
    assert told.exists()
    assert running_servers(tmp_path) is None, "the lock is free"
    with held_home(tmp_path):
        assert not told.exists(), "a new holder starts with nothing told"


def test_a_wipe_leaves_what_foldline_did_not_write(tmp_path: Path) -> None:
    with held_home(tmp_path) as root:
        (root / "postgres/base").mkdir(parents=True)
        (root / "kafka.log").touch()
        (root / "notes.txt").write_text("mine")
        Ports(root).take("postgres")
        wipe(root)
        assert {path.name for path in root.iterdir()} == {"foldline.home", "lock", "notes.txt", "ports.json"}


def test_ports_stay_until_a_stranger_takes_one(tmp_path: Path) -> None:
    first = Ports(tmp_path).take("postgres", "kafka", "controller")
    assert len(set(first)) == 3
    assert Ports(tmp_path).take("postgres", "kafka", "controller") == first
    with socket.socket() as stranger:
        stranger.bind(("127.0.0.1", first[1]))
        stranger.listen()
        second = Ports(tmp_path).take("postgres", "kafka", "controller")
    assert second[0] == first[0]
    assert second[1] not in first
    assert second[2] == first[2]
    (tmp_path / "ports.json").write_text("{broken")
    assert len(Ports(tmp_path).take("kafka")) == 1


def test_a_broker_of_an_earlier_life_is_found_by_its_properties_file(tmp_path: Path) -> None:
    words = [sys.executable, "-c", "import signal; signal.pause()"]
    with (
        subprocess.Popen([*words, tmp_path / "kafka.properties"]) as ours,
        subprocess.Popen([*words, tmp_path / "other.properties"]) as stranger,
    ):
        try:
            end_kafka(tmp_path / "kafka.properties")
            assert ours.poll() is not None
            assert stranger.poll() is None
        finally:
            ours.kill()
            stranger.kill()


def test_a_child_of_another_thread_is_refused_because_it_would_die_with_that_thread(tmp_path: Path) -> None:
    command = Command(
        name="true",
        words=["/bin/true"],
        log=tmp_path / "log",
        stop_signal=signal.SIGTERM,
        environment={},
        directory=tmp_path,
    )
    Child(command).finish()
    refused = []

    def start() -> None:
        try:
            Child(command)
        except RuntimeError as error:
            refused.append(str(error))

    thread = threading.Thread(target=start)
    thread.start()
    thread.join()
    assert refused == ["true must be started from the main thread"]
