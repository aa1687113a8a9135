from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import psycopg

from foldline.embedded import Servers, embedded_servers, running_servers
from foldline.embedded.ports import Ports
from foldline.embedded.postgres import Postgres

if TYPE_CHECKING:
    from embedded.conftest import RunScript

HOLD_SERVERS = """
import json, pathlib, signal, sys
from foldline.embedded import embedded_servers
with embedded_servers(pathlib.Path(sys.argv[1])) as running:
    print(json.dumps({"pids": [running.postgres.pid, running.kafka.pid]}), flush=True)
    signal.pause()
"""

MAKE_CLUSTER = """
import pathlib, sys
from foldline.embedded.ports import Ports
from foldline.embedded.postgres import Postgres
root = pathlib.Path(sys.argv[1])
Postgres(root, Ports(root), major=18).start()
"""


def test_servers_of_a_killed_process_end_with_it_and_the_next_start_finds_the_data(
    place: Path, run_script: RunScript
) -> None:
    home = place / "home"
    parent = run_script(HOLD_SERVERS, home)
    assert parent.stdout is not None
    children = [psutil.Process(pid) for pid in json.loads(parent.stdout.readline())["pids"]]
    family = children + [grandchild for child in children for grandchild in child.children(recursive=True)]
    assert len(family) > 2

    found = running_servers(home)
    assert isinstance(found, Servers)
    with psycopg.connect(found.database_url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 1 AS number")

    parent.kill()
    parent.wait()
    assert psutil.wait_procs(family, timeout=30)[1] == []
    assert (home / "running.json").exists()
    assert running_servers(home) is None

    with embedded_servers(home) as running, psycopg.connect(running.servers.database_url) as connection:
        assert running.servers == found
        assert connection.execute("SELECT number FROM kept").fetchone() == (1,)


def test_a_cluster_whose_making_was_killed_is_made_again(place: Path, run_script: RunScript) -> None:
    postgres = Postgres(place, Ports(place), major=18)
    maker = run_script(MAKE_CLUSTER, place)
    while not (postgres.cluster / "PG_VERSION").exists():
        assert maker.poll() is None
    maker.kill()
    maker.wait()
    assert not (postgres.cluster / "foldline.ok").exists()

    postgres.start()
    try:
        with psycopg.connect(postgres.url) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
        assert (postgres.cluster / "foldline.ok").exists()
    finally:
        postgres.stop()
