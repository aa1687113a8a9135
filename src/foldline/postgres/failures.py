"""What a failed statement means for the line: the error classes of PostgreSQL, told apart by SQLSTATE.

See the PostgreSQL manual, Appendix A. Text of the server's errors is never passed on: its DETAIL holds row values.
"""

from __future__ import annotations

import psycopg

from foldline.ports import PartitionFault, Refused, RefusedInReading, Stale, Unavailable
from foldline.postgres.remedies import in_words

_TRANSIENT_CLASSES = ("08", "53", "57")
_TRANSIENT = frozenset({"40P01", "55P03", "25P03", "25006", "40003"})
_FOLD_AGAIN = frozenset({"40001"})
_REFUSED_CLASSES = ("22", "23")
_REFUSED = frozenset({"54000"})
_RACED = frozenset(
    {
        "idx_fsm_state_fsm_entity",
        "workflow_executions_pkey",
        "foldline_identities_pkey",
        # Ids that were reserved before a failover, or a sequence that was set back: not the record's fault.
        "fsm_state_history_pkey",
        "workflow_execution_history_pkey",
    }
)


class NotLetIn(Unavailable):
    """PostgreSQL is away: it takes no connection, or one that it took is not answered."""


def verdict_on(error: psycopg.Error) -> Stale | Refused:
    """Whether to fold again or to look for the record that is refused.

    Raises:
        Unavailable: what failed may succeed later.
        PartitionFault: it will not, without a person.
    """
    state = error.sqlstate
    if state is None:
        if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
            raise Unavailable("The connection to PostgreSQL is lost.", remedy="Waiting until it is back.") from None
        # psycopg itself could not turn a value into what PostgreSQL takes: as good as a refusal by the server.
        if isinstance(error, psycopg.DataError):
            return Refused("a value that cannot be sent to PostgreSQL")
        raise PartitionFault(f"psycopg failed with {type(error).__name__}.", remedy="Please report this.") from error
    if state in _FOLD_AGAIN or (state == "23505" and error.diag.constraint_name in _RACED):
        return Stale(f"SQLSTATE {state}")
    if state in _TRANSIENT or state[:2] in _TRANSIENT_CLASSES:
        words = in_words(state)
        why = "" if words is None else f": {words}"
        raise Unavailable(
            f"PostgreSQL cannot take the work now{why} ({_named(error)}).", remedy="Waiting, then the same batch again."
        ) from None
    if state in _REFUSED or state[:2] in _REFUSED_CLASSES:
        return Refused(_named(error))
    raise PartitionFault(
        f"PostgreSQL refused a statement ({_named(error)}).",
        remedy="Check that `foldline migrate --status` shows every migration as applied and that this role may write.",
    ) from None


def unreadable(error: psycopg.Error) -> Unavailable | RefusedInReading:
    """What a failed read means: there is no transaction to fold again.

    Raises:
        PartitionFault: waiting cannot help.
    """
    try:
        verdict = verdict_on(error)
    except Unavailable as fault:
        return Unavailable(f"Reading from PostgreSQL failed: {fault.problem}", remedy=fault.remedy)
    if isinstance(verdict, Refused):
        return RefusedInReading(verdict.detail)
    return Unavailable(f"Reading from PostgreSQL failed ({verdict.why}).", remedy="Reading again.")


def _named(error: psycopg.Error) -> str:
    where = error.diag.constraint_name or error.diag.column_name
    name = f"SQLSTATE {error.sqlstate}, {type(error).__name__}"
    return f"{name}, {where}" if where else name
