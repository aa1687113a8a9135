from __future__ import annotations

import errno
import hashlib
import os
from pathlib import Path
from threading import Event

import pytest

from foldline.embedded.jars import Jar, JarCache, locked_jars
from foldline.errors import EmbeddedError


def jar_of(artifact: str, content: bytes) -> Jar:
    return Jar("org.example", artifact, "1.0", hashlib.sha256(content).hexdigest(), len(content))


ONE, TWO = jar_of("one", b"first"), jar_of("two", b"second")
CONTENTS = {ONE: b"first", TWO: b"second"}


class Repository:
    """A repository on this disk: delivers what it is given, notes what it was asked."""

    def __init__(self, *wrong: bytes | Exception) -> None:
        self.asked: list[Jar] = []
        self.wrong = list(wrong)

    def fetch(self, jar: Jar, scratch: Path) -> Path:
        self.asked.append(jar)
        delivered = self.wrong.pop(0) if self.wrong else CONTENTS[jar]
        if isinstance(delivered, Exception):
            raise delivered
        (scratch / "delivered").write_bytes(delivered)
        return scratch / "delivered"


def cache_of(place: Path, repository: Repository, *jars: Jar) -> JarCache:
    return JarCache(place, jars or (ONE, TWO), fetch=repository.fetch, pauses=(0.0, 0.0))


def test_the_lock_names_a_whole_broker() -> None:
    jars = locked_jars()
    assert len(jars) == 33
    assert len({jar.file_name for jar in jars}) == 33
    assert {len(jar.sha256) for jar in jars} == {64}
    assert 36_000_000 < sum(jar.size for jar in jars) < 37_000_000
    assert "kafka_2.13-4.3.0.jar" in {jar.file_name for jar in jars}


def test_missing_jars_are_fetched_once_and_come_in_the_order_of_the_lock(tmp_path: Path) -> None:
    repository = Repository()
    files = cache_of(tmp_path, repository).complete(Event())
    assert [file.read_bytes() for file in files] == [b"first", b"second"]
    assert cache_of(tmp_path, repository).complete(Event()) == files
    assert sorted(jar.artifact for jar in repository.asked) == ["one", "two"]
    assert set(files[0].parent.iterdir()) == set(files)


def test_a_broken_jar_is_fetched_again(tmp_path: Path) -> None:
    first, _ = cache_of(tmp_path, Repository()).complete(Event())
    first.write_bytes(b"fir")
    repository = Repository()
    cache = cache_of(tmp_path, repository)
    assert cache.missing() == [ONE]
    cache.complete(Event())
    assert repository.asked == [ONE]
    assert first.read_bytes() == b"first"


def test_another_state_of_the_lock_has_another_directory(tmp_path: Path) -> None:
    assert cache_of(tmp_path, Repository(), ONE).directory != cache_of(tmp_path, Repository(), TWO).directory


def test_a_cut_delivery_is_tried_again(tmp_path: Path) -> None:
    repository = Repository(b"fir", ConnectionResetError())
    (file,) = cache_of(tmp_path, repository, ONE).complete(Event())
    assert len(repository.asked) == 3
    assert file.read_bytes() == b"first"


def test_a_wrong_checksum_is_refused_and_nothing_installed(tmp_path: Path) -> None:
    repository = Repository(b"evil!", b"evil!", b"evil!")
    cache = cache_of(tmp_path, repository, ONE)
    with pytest.raises(EmbeddedError, match=r"one-1\.0\.jar.* wrong checksum"):
        cache.complete(Event())
    assert list(cache.directory.iterdir()) == []


def test_without_a_network_the_error_is_one_line_that_names_no_host(tmp_path: Path) -> None:
    failures = [ConnectionError("HTTPSConnectionPool(host='repository.invalid', port=443)\nMax retries exceeded")] * 3
    with pytest.raises(EmbeddedError, match="could not be fetched: ConnectionError") as caught:
        cache_of(tmp_path, Repository(*failures), ONE).complete(Event())
    assert "invalid" not in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "HTTPS_PROXY" in caught.value.remedy


def test_what_the_repository_does_not_have_is_named_in_one_line(tmp_path: Path) -> None:
    failures = [RuntimeError("Artifact not found in remote repositories {'central': 'https://repository.invalid'}")] * 3
    with pytest.raises(EmbeddedError, match=r"one-1\.0\.jar.* could not be fetched: RuntimeError") as caught:
        cache_of(tmp_path, Repository(*failures), ONE).complete(Event())
    assert "invalid" not in str(caught.value)


def test_a_full_disk_is_called_that(tmp_path: Path) -> None:
    full = [OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))] * 3
    with pytest.raises(EmbeddedError, match="No space left on device"):
        cache_of(tmp_path, Repository(*full), ONE).complete(Event())


def test_a_stopped_fetch_asks_for_nothing_more(tmp_path: Path) -> None:
    stop = Event()
    stop.set()
    repository = Repository()
    cache_of(tmp_path, repository).complete(stop)
    assert repository.asked == []
