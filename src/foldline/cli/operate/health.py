"""`foldline health`: ask a worker whether it is live, ready, and making progress."""

from __future__ import annotations

import http.client
from dataclasses import replace
from typing import Annotated

import msgspec
import typer

from foldline.cli.output import AsJson, json_out, line_out, table_out
from foldline.cli.shapes import prints
from foldline.errors import SettingError, UnhealthyError
from foldline.settings import load_settings
from foldline.watch import HEALTH_PATH, Address, HealthReport

_PATIENCE_SECONDS = 3.0  # a worker waits for its database for two of them
_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - what is to be asked in its place
_PROBES = ("live", "ready", "progress")


@prints(HealthReport)
def health(
    *,
    live: Annotated[bool, typer.Option("--live", help="Judge only whether it gives signs of life.")] = False,
    ready: Annotated[bool, typer.Option("--ready", help="Judge only whether it has what it needs.")] = False,
    progress: Annotated[bool, typer.Option("--progress", help="Judge only whether nothing is stuck.")] = False,
    as_json: AsJson = False,
) -> None:
    """Ask the worker at FOLDLINE_HTTP_LISTEN how it is; exits 0 only if it is live, ready, and making progress."""
    asked = [name for name, wanted in zip(_PROBES, (live, ready, progress), strict=True) if wanted] or _PROBES
    report = _ask(_address())
    if as_json:
        json_out(report)
    else:
        _show(report)
    for name in asked:
        probe = getattr(report, name)
        if not probe.ok:
            raise UnhealthyError(f"The worker is not {_NOT[name]}: {probe.why}", remedy=_REMEDIES[name])


_NOT = {"live": "live", "ready": "ready", "progress": "making progress"}
_REMEDIES = {
    "live": "Restart it.",
    "ready": "A restart does not help: see to what it waits for.",
    "progress": "Restart it.",
}


def _address() -> Address:
    listen = load_settings().http_listen
    if listen is None:
        raise SettingError(
            "FOLDLINE_HTTP_LISTEN is not set: a worker without it cannot be asked.",
            remedy="Set it for the worker and for this command, as in FOLDLINE_HTTP_LISTEN=127.0.0.1:9464.",
        )
    address = Address.parse(listen)
    return replace(address, host=_EVERYWHERE.get(address.host, address.host))


def _ask(address: Address) -> HealthReport:
    connection = http.client.HTTPConnection(address.host, address.port, timeout=_PATIENCE_SECONDS)
    try:
        connection.connect()
        try:
            connection.request("GET", HEALTH_PATH)
            return msgspec.json.decode(connection.getresponse().read(), type=HealthReport)
        except TimeoutError:
            raise UnhealthyError(
                f"Something listens at {address}, but has not answered within {_PATIENCE_SECONDS:.0f} s.",
                remedy="If that is the worker, it is frozen or hangs: restart it.",
            ) from None
    except (OSError, http.client.HTTPException) as error:
        raise UnhealthyError(
            f"No worker answers at {address} ({_reason(error)}).", remedy="Start it, or see what its log says."
        ) from None
    except msgspec.DecodeError:
        raise UnhealthyError(
            f"What answers at {address} is no worker of foldline.", remedy="Correct FOLDLINE_HTTP_LISTEN."
        ) from None
    finally:
        connection.close()


def _reason(error: OSError | http.client.HTTPException) -> str:
    said = error.strerror if isinstance(error, OSError) else None
    return said or str(error) or type(error).__name__


def _show(report: HealthReport) -> None:
    for name in _PROBES:
        probe = getattr(report, name)
        line_out(f"{name:8}  {'yes' if probe.ok else 'NO'}", style="" if probe.ok else "bold red")
    if report.partitions:
        line_out()
        table_out(
            ["partition", "custody", "next offset", "lag", "problem"],
            [[each.partition, each.custody, each.next_offset, each.lag, each.problem] for each in report.partitions],
        )
