"""How a worker ended, told to whoever listens: drained, interrupted, or by an error."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType

from foldline import facts
from foldline.errors import FoldlineError

Ending = Callable[[type[BaseException] | None, BaseException | None, TracebackType | None], None]


def ending(owner: str, announce: facts.Announce) -> Ending:
    """What announces the end of this worker, where a `with` block is left."""

    def tell(_kind: type[BaseException] | None, error: BaseException | None, _where: TracebackType | None) -> None:
        announce(facts.WorkerStopped(owner) if error is None else _failed(owner, error))

    return tell


def _failed(owner: str, error: BaseException) -> facts.WorkerFailed:
    match error:
        case FoldlineError():
            return facts.WorkerFailed(owner, error.problem, error.remedy)
        case KeyboardInterrupt():
            problem = "It was interrupted before it had drained."
            return facts.WorkerFailed(owner, problem, "Nothing is lost: start one again when you like.")
        case _:  # its text may quote anything, so the traceback alone tells it
            problem = f"An unforeseen {type(error).__name__} ended it."
            return facts.WorkerFailed(owner, problem, "Start it again, and report the traceback that it ended with.")
