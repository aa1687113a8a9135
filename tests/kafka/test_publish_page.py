"""The Python example of docs/publish.md, run as it stands against a broker."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from clusters import Cluster
from harness import COUNTS, rows
from pages import blocks, page


def test_what_the_example_publishes_is_applied(cluster: Cluster, tmp_path: Path) -> None:
    (example,) = blocks(page("publish.md"), "python")
    places = {
        "host:9092": cluster.bootstrap_servers,
        "fsm.transitions.v1": cluster.topics.transitions,
        "workflow.executions.v1": cluster.topics.workflows,
    }
    for written, real in places.items():
        assert written in example
        example = example.replace(written, real)
    script = tmp_path / "publish.py"
    script.write_text(example, encoding="utf-8")
    subprocess.run([sys.executable, script], check=True, timeout=120)
    cluster.catch_up()
    counts = "SELECT topic, sum(applied) FROM foldline_positions GROUP BY topic ORDER BY topic = %s DESC"
    assert [int(applied) for _, applied in rows(cluster.database_url, counts, cluster.topics.transitions)] == [1, 1]
    assert {row[1:] for row in rows(cluster.database_url, COUNTS)} == {(0, 0, 0)}
    assert rows(cluster.database_url, "SELECT current_state FROM fsm_state") == [("PROCESSING",)]
