"""The Kafka jars: named by `kafka.lock` with size and sha256, kept in a cache, put there only whole and verified."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from threading import Event

from foldline.errors import EmbeddedError

_LOCK = Path(__file__).with_name("kafka.lock")
_THREADS = 8
_PAUSES = (1.0, 2.0, 4.0)


@dataclass(frozen=True, slots=True)
class Jar:
    """One line of the lock."""

    group: str
    artifact: str
    version: str
    sha256: str
    size: int

    @property
    def file_name(self) -> str:
        """As Maven names it."""
        return f"{self.artifact}-{self.version}.jar"


Fetch = Callable[[Jar, Path], Path]
"""Brings one jar, unverified: to a file inside the given empty directory, or names one that is there already."""


def locked_jars() -> list[Jar]:
    """What a broker needs, in the order of its class path."""
    jars = []
    for line in _LOCK.read_text(encoding="ascii").splitlines():
        coordinates, sha256, size = line.split()
        group, artifact, version = coordinates.split(":")
        jars.append(Jar(group, artifact, version, sha256, int(size)))
    return jars


def fetch_with_jgo(jar: Jar, scratch: Path) -> Path:
    """From Maven's own local repository if it has the right one, else by jgo. No POM is read: the lock says it all."""
    local = Path.home() / ".m2/repository" / jar.group.replace(".", "/") / jar.artifact / jar.version / jar.file_name
    if local.is_file() and _sha256(local) == jar.sha256:
        return local
    from jgo.maven import MavenContext  # noqa: PLC0415  # optional extra

    context = MavenContext(repo_cache=scratch)
    return Path(context.project(jar.group, jar.artifact).at_version(jar.version).artifact().resolve())


class JarCache:
    """A directory of jars below `cache`, one per state of the lock; any number of processes may fill it at once."""

    def __init__(
        self,
        cache: Path,
        jars: Sequence[Jar],
        *,
        fetch: Fetch = fetch_with_jgo,
        pauses: Sequence[float] = _PAUSES,
    ) -> None:
        named = hashlib.sha256("".join(jar.sha256 for jar in jars).encode()).hexdigest()
        self.directory = cache.expanduser().resolve() / f"kafka-{named[:12]}"
        self._jars = jars
        self._fetch = fetch
        self._pauses = pauses

    def missing(self) -> list[Jar]:
        """What is not there with its full size; the sum was checked before the file got its name."""
        return [jar for jar in self._jars if not self._is_there(jar)]

    def complete(self, stop: Event) -> list[Path]:
        """All jars, after fetching those that are missing; early and incomplete only when somebody sets `stop`.

        Raises:
            EmbeddedError: One could not be fetched, or is not the one that the lock names.
        """
        missing = self.missing()
        if missing:
            self.directory.mkdir(parents=True, exist_ok=True)
            self._install_all(missing, stop)
        return [self.directory / jar.file_name for jar in self._jars]

    def _install_all(self, jars: Sequence[Jar], stop: Event) -> None:
        with (
            tempfile.TemporaryDirectory(prefix=".fetch-", dir=self.directory) as scratch,
            ThreadPoolExecutor(_THREADS, thread_name_prefix="jars") as threads,
        ):
            futures = [threads.submit(self._install, jar, Path(scratch), stop) for jar in jars]
            done, left = wait(futures, return_when=FIRST_EXCEPTION)
            if left:
                stop.set()
            for future in done:
                future.result()

    def _install(self, jar: Jar, scratch: Path, stop: Event) -> None:
        problem: EmbeddedError | None = None
        for turn, pause in enumerate((0.0, *self._pauses)):
            if stop.wait(pause):
                break
            try:
                self._install_once(jar, scratch / f"{jar.artifact}.{turn}")
            except EmbeddedError as error:
                problem = error
            else:
                return
        if problem is not None:
            raise problem

    def _install_once(self, jar: Jar, scratch: Path) -> None:
        scratch.mkdir()
        try:
            fetched = self._fetch(jar, scratch)
            whole = scratch / f"{jar.file_name}.whole"
            whole.write_bytes(fetched.read_bytes())
        except (OSError, RuntimeError) as error:  # what requests and jgo raise; their texts are long and name hosts
            reason = error.strerror if isinstance(error, OSError) and error.strerror else type(error).__name__
            raise EmbeddedError(
                f"{jar.file_name}, a part of Kafka, could not be fetched: {reason}.",
                remedy="The jars (36 MB) are fetched once from the public Maven repository: "
                "connect this machine (HTTPS_PROXY is obeyed), or use a Kafka that runs already.",
            ) from error
        if _sha256(whole) != jar.sha256:
            raise EmbeddedError(
                f"{jar.file_name}, a part of Kafka, arrived with a wrong checksum and was not installed.",
                remedy="Something on the way to the Maven repository changes or cuts what it delivers.",
            )
        whole.replace(self.directory / jar.file_name)

    def _is_there(self, jar: Jar) -> bool:
        try:
            return (self.directory / jar.file_name).stat().st_size == jar.size
        except OSError:
            return False


def _sha256(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
