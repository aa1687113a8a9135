"""The page's settings work: everything is encrypted, and each role does its part."""

from __future__ import annotations

import json
import re

from acceptance.tls.running import SECRETS, WRONG_CANARY, Foldline
from acceptance.tls.servers import Secured
from harness import transition, workflow

EVENTS = [
    transition("START_PROCESSING", event_id="1"),
    transition("START_PROCESSING", event_id="2"),
    workflow("STARTED", event_id="1"),
]


def test_events_are_published_projected_and_reported_with_the_settings_of_the_page(
    secured: Secured, worker: Foldline, publisher: Foldline, dashboard: Foldline, deploy: Foldline
) -> None:
    (worker.directory / "events.jsonl").write_text("\n".join(map(json.dumps, EVENTS)), encoding="utf-8")
    published = publisher("publish", "events.jsonl")
    assert published.code == 0, published.err
    ran = worker("run", "--until-caught-up", "--json").json
    assert ran["verdicts"] == {"applied": 2, "duplicate": 0, "rejected": 1, "undecodable": 0}
    status = dashboard("status")
    assert status.code == 0, status.err
    assert len(dashboard("history", "INGESTION", "doc-1", "--json").json) == 2
    assert deploy("migrate").out.startswith("Nothing to apply")
    authorized = re.findall(r"connection authorized: user=(\w+)(.*)", secured.postgres.log)
    encrypted = {user for user, said in authorized if "SSL enabled" in said}
    assert encrypted >= {"postgres", "deploy", "worker", "dashboard"}
    assert {user for user, said in authorized if "SSL enabled" not in said} == {"postgres"}  # by the socket


def test_what_is_set_is_shown_without_secrets(worker: Foldline) -> None:
    url = worker.settings["DATABASE_URL"].replace("@", f":{WRONG_CANARY}@")
    shown = worker.but(DATABASE_URL=url)("config")
    assert shown.code == 0, shown.err
    assert "verify-full" in shown.out
    assert not any(secret in shown.out for secret in SECRETS)
