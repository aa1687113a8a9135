"""Every error that reaches a person: one root class, each leaf says what happened and what to do next."""

from __future__ import annotations


class FoldlineError(Exception):
    """What went wrong, and the remedy. The command line prints both and exits with `exit_code`."""

    exit_code = 1

    def __init__(self, problem: str, *, remedy: str = "") -> None:
        super().__init__(problem)
        self.problem = problem
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.problem} {self.remedy}".rstrip()


class SettingError(FoldlineError):
    """A setting is missing, unknown or refused."""


class UsageError(FoldlineError):
    """The command's words contradict each other or its situation."""

    exit_code = 2


class MachineError(FoldlineError):
    """A machine definition is not well formed, or its version conflicts with what a worker has recorded."""


class MigrationError(FoldlineError):
    """The schema cannot be brought to, or is not at, the version that is wanted."""


class DatabaseError(FoldlineError):
    """PostgreSQL refused or could not be reached. Never carries values of a row."""


class LogError(FoldlineError):
    """Kafka could not be reached, or a topic is not what it should be."""


class DriftError(FoldlineError):
    """The tables are not what the log makes of them, or nobody can tell."""


class GroupError(FoldlineError):
    """The consumer group refuses this worker for good: another one may have taken its place. Nothing is lost."""


class PublishError(FoldlineError):
    """A line or a record could not be published."""


class CheckError(FoldlineError):
    """Not every line of a file would be applied."""


class EmbeddedError(FoldlineError):
    """An embedded server could not be provided or started."""


class AbsentError(FoldlineError):
    """What was asked for is not there."""


class UnhealthyError(FoldlineError):
    """A worker is not as it should be, or does not answer."""


class UnfinishedError(FoldlineError):
    """A worker could not, or was not let, do all that it was asked to."""


class SpaceError(FoldlineError):
    """The local disk does not take what a command sets aside on it."""
