"""Every fenced block of the README and the guides is run, or read as what it is, page by page from top to bottom."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from clusters import Topics
from commands import cluster_settings
from foldline.core.decode import decode_transition, decode_workflow
from foldline.core.events import Undecodable
from foldline.machines import load_file
from foldline.settings import load_settings
from pages import CHECKOUT, Fence, fences, pages
from psql import as_url, bash_path

_PLACES = {"postgresql://user:password@host:5432/database": "DATABASE_URL", "host:9092": "KAFKA_BOOTSTRAP_SERVERS"}
_TOPICS = {
    "FOLDLINE_TRANSITION_TOPICS": "fsm.transitions.v1",
    "FOLDLINE_WORKFLOW_TOPICS": "workflow.executions.v1",
}
_READ_ONLY = {"text", "json", "yaml", "toml", "sql", "mermaid"}
_BY_THEIR_OWN_TESTS = {
    "schema.md": "tests/postgres/test_seed_document.py",
    "publish-java-go-node.md": "acceptance/publishers",
    "security.md": "acceptance/tls",
    "deploy.md": "acceptance/compose",  # the same steps in its own words; not in CI, which has no Docker
    "develop.md": ".ci/run",
}
_SECONDS = 120


class Session:
    """One page's shell: blocks share a directory and exported variables, as they would in somebody's terminal."""

    def __init__(self, directory: Path, settings: dict[str, str]) -> None:
        self._directory = directory
        self._settings = settings
        self._exported = directory / ".exported"
        self._exported.touch()
        self._meanwhile: list[subprocess.Popen[str]] = []
        for path in CHECKOUT.iterdir():
            if path.name == ".venv" or not path.name.startswith("."):
                (directory / path.name).symlink_to(path)

    def run(self, fence: Fence) -> str:
        """Run a block to its end; returns what it printed."""
        done = self._finished(self._command(fence, f'{self._text(fence)}\nexport -p > "{self._exported}"'))
        wanted = int(fence.directive.removeprefix("exits ")) if fence.directive.startswith("exits ") else 0
        assert done.returncode == wanted, f"{fence} ended with {done.returncode}:\n{done.stdout}{done.stderr}"
        return self._as_named_by_default(done.stdout)

    def catch_up(self) -> None:
        """Have everything projected, as the worker does that a reader has running."""
        run = f'. "{self._exported}"; foldline run --until-caught-up'
        done = self._finished(["bash", "-euo", "pipefail", "-c", run])
        assert done.returncode == 0, done.stderr

    def start(self, fence: Fence) -> None:
        """Start a block that goes on while the rest of the page is run."""
        process = subprocess.Popen(
            self._command(fence, f"exec {self._text(fence).strip()}"),
            cwd=self._directory,
            env=self._environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._meanwhile.append(process)
        assert process.stderr is not None
        awaited = fence.directive.removeprefix("meanwhile, from ")
        assert any(awaited in line for line in process.stderr), f"{fence} ended before it said {awaited}"

    def end(self) -> None:
        """Ask what is still running to stop; it must do so well."""
        for process in self._meanwhile:
            process.send_signal(signal.SIGTERM)
            _, said = process.communicate(timeout=_SECONDS)
            assert process.returncode == 0, said

    def _as_named_by_default(self, printed: str) -> str:
        """The topics of this test under the names that a reader's have."""
        for name, default in _TOPICS.items():
            printed = printed.replace(self._settings[name], default)
        return printed

    def _finished(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            cwd=self._directory,
            env=self._environment(),
            capture_output=True,
            text=True,
            check=False,
            timeout=_SECONDS,
            stdin=subprocess.DEVNULL,
        )

    def _command(self, fence: Fence, script: str) -> list[str]:
        if fence.language == "python":
            return [sys.executable, "-c", self._text(fence)]
        return ["bash", "-euo", "pipefail", "-c", f'. "{self._exported}"; {script}']

    def _text(self, fence: Fence) -> str:
        text = fence.text
        for placeholder, setting in _PLACES.items():
            text = text.replace(placeholder, self._settings[setting])
        for setting, default in _TOPICS.items():
            text = text.replace(default, self._settings[setting])
        return text

    def _environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if name in ("HOME", "LANG")}
        return kept | self._settings | {"PATH": bash_path(), "COLUMNS": "120"}


@pytest.fixture
def session(tmp_path: Path, database_url: str, bootstrap_servers: str, topics: Topics) -> Session:
    settings = cluster_settings(as_url(database_url), bootstrap_servers, topics)
    return Session(tmp_path, settings | {"FOLDLINE_HOME": str(tmp_path / "home")})


def _is_run(fence: Fence) -> bool:
    return fence.language in {"bash", "python"} and not fence.directive.startswith("elsewhere: ")


@pytest.mark.parametrize(
    "page",
    [page for page in pages() if page.name not in _BY_THEIR_OWN_TESTS and any(map(_is_run, fences(page)))],
    ids=lambda page: page.name,
)
def test_the_blocks_of_a_page_do_what_they_say_one_after_the_other(page: Path, session: Session) -> None:
    printed = ""
    try:
        for fence in fences(page):
            if fence.directive == "output":
                _compare(fence, printed)
            elif _is_run(fence):
                if fence.directive.startswith("meanwhile"):
                    session.start(fence)
                else:
                    printed = session.run(fence)
                    if "foldline publish" in fence.text:
                        session.catch_up()
    finally:
        session.end()


def _compare(fence: Fence, printed: str) -> None:
    """What was printed is what the page shows, but for how long ago something was, and for what `...` stands for."""
    parts = [re.escape(part) for part in re.split(r"^\.\.\.\n", _ago(fence.text), flags=re.MULTILINE)]
    assert re.fullmatch("(?s:.*)".join(parts), _ago(printed)), f"{fence}: it printed\n{printed}"


def _ago(text: str) -> str:
    return re.sub(r"\d+ d(?: \d+ h)?", "AGO", text)


_ALL = [fence for page in pages() for fence in fences(page)]


@pytest.mark.parametrize("fence", _ALL, ids=str)
def test_a_block_says_what_it_is_and_who_runs_it(fence: Fence) -> None:
    assert fence.language, "write ```text for what is only to be looked at"
    by = _BY_THEIR_OWN_TESTS.get(fence.page.name)
    if fence.directive.startswith("elsewhere: "):
        by = fence.directive.removeprefix("elsewhere: ")
        runner = CHECKOUT / by
        texts = [path.read_text(encoding="utf-8") for path in _files(runner)]
        first = fence.text.splitlines()[0]
        assert any(fence.page.name in text or first in text for text in texts), f"{by} does not know {fence.page.name}"
    elif by is None:
        assert fence.language in _READ_ONLY | {"bash", "python"}, "nobody runs it"


@pytest.mark.parametrize("page", _BY_THEIR_OWN_TESTS)
def test_a_page_that_is_run_elsewhere_is_known_there(page: str) -> None:
    texts = [path.read_text(encoding="utf-8") for path in _files(CHECKOUT / _BY_THEIR_OWN_TESTS[page])]
    assert any(page in text or (page == "schema.md" and "schema_page" in text) for text in texts)


def _files(runner: Path) -> list[Path]:
    assert runner.exists(), f"{runner} is not there"
    return [runner] if runner.is_file() else [path for path in runner.rglob("*") if path.suffix in (".py", ".sh")]


@pytest.mark.parametrize("fence", [fence for fence in _ALL if fence.language == "json"], ids=str)
def test_an_example_of_an_event_is_one(fence: Fence) -> None:
    document = json.loads(fence.text)
    if isinstance(document, dict) and ("occurred_at" in document or "specversion" in document):
        decode = decode_workflow if "workflow_id" in fence.text else decode_transition
        assert not isinstance(decode(fence.text.encode()), Undecodable)


@pytest.mark.parametrize("fence", [fence for fence in _ALL if fence.language == "yaml"], ids=str)
def test_an_example_of_a_machine_loads(fence: Fence, tmp_path: Path) -> None:
    path = tmp_path / "machine.yaml"
    path.write_text(fence.text, encoding="utf-8")
    if "fsm_type:" in fence.text:
        load_file(path)


def test_examples_of_settings_are_accepted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    examples = [fence for fence in _ALL if fence.language == "toml"]
    assert examples
    for fence in examples:
        tomllib.loads(fence.text)
        (tmp_path / "foldline.toml").write_text(fence.text, encoding="utf-8")
        monkeypatch.chdir(tmp_path)
        load_settings({})
