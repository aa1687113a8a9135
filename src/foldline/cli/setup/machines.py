"""`foldline machines`: which definitions are loaded, what is wrong with them, and how they look; needs no server.

What they would change in a database is in `machines_diff.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from foldline.app import machines_of, survey_of
from foldline.cli.completion import fsm_types
from foldline.cli.output import AsJson, counted, json_out, line_out, lists, plain, table_out
from foldline.cli.setup.machine_shapes import (
    LoadedMachine,
    MachineCheck,
    final_states,
    finding_json,
    machine_json,
    retry_bounds,
)
from foldline.cli.setup.machines_diff import diff
from foldline.cli.shapes import prints
from foldline.core.machine import Machine
from foldline.errors import AbsentError, MachineError, UsageError
from foldline.machines import Fault, Loaded, MachineFaults, Survey, survey_paths
from foldline.machines.faults import choose
from foldline.machines.graph import dot, mermaid
from foldline.settings import load_settings

app = typer.Typer(name="machines", help="The machine definitions.")


class Format(StrEnum):
    """The languages of state diagrams."""

    MERMAID = "mermaid"
    DOT = "dot"


@app.callback(invoke_without_command=True)
@prints(list[LoadedMachine])
def machines(ctx: typer.Context, *, as_json: AsJson = False) -> None:
    """List the loaded machines; `check` looks for faults, `graph` prints a state diagram, `diff` what would change."""
    if not lists(ctx, as_json=as_json):
        return
    found = survey_of(load_settings())
    if found.faults:
        raise MachineFaults(found.faults)
    if as_json:
        json_out([machine_json(each) for each in found.loaded])
    elif not found.loaded:
        line_out("No machine is loaded.")
    else:
        _show_list(found.loaded)


@app.command()
@prints(MachineCheck)
def check(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(metavar="FILE|DIRECTORY", help="What to check, instead of what the settings name."),
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Look for faults in definitions, all at once, and for what is legal but doubtful; exits 1 if there is a fault."""
    found = survey_paths(paths) if paths else survey_of(load_settings())
    if as_json:
        json_out(
            MachineCheck(
                [machine_json(each) for each in found.loaded],
                [finding_json(each) for each in found.faults],
                [finding_json(each) for each in found.remarks],
            )
        )
    else:
        _show_findings(found)
    if found.faults:
        raise MachineError(f"{counted(len(found.faults), 'fault')} in the definitions.", remedy="Each has its remedy.")


@app.command()
def graph(
    fsm_type: Annotated[
        str | None,
        typer.Argument(
            metavar="FSM_TYPE",
            help="The machine; may be left out if it is the only one.",
            autocompletion=fsm_types,
        ),
    ] = None,
    *,
    language: Annotated[
        Format, typer.Option("--format", case_sensitive=False, help="The language of the diagram.")
    ] = Format.MERMAID,
) -> None:
    """Print a machine as a state diagram."""
    loaded = machines_of(load_settings())
    if fsm_type is None and len(loaded) != 1:
        raise UsageError("A diagram shows one machine.", remedy=f"Name it. Loaded: {', '.join(loaded) or 'none'}.")
    machine = next(iter(loaded.values())) if fsm_type is None else loaded.get(fsm_type)
    if machine is None:
        raise AbsentError(f"No machine {fsm_type} is loaded.", remedy=choose(str(fsm_type), loaded))
    line_out((mermaid if language is Format.MERMAID else dot)(machine).rstrip("\n"))


app.command()(diff)


def _show_list(loaded: Sequence[Loaded]) -> None:
    table_out(
        ["machine", "version", "states", "transitions", "initial", "final", "retries", "rules", "from"],
        [
            [
                each.machine.fsm_type,
                each.machine.version,
                len(each.machine.states),
                len(each.machine.transitions),
                each.machine.initial,
                ", ".join(final_states(each.machine)) or None,
                ", ".join(f"{action} (max {most})" for action, most in retry_bounds(each.machine)) or None,
                ", ".join(_rules(each.machine)) or None,
                _origin(each),
            ]
            for each in loaded
        ],
    )


def _show_findings(found: Survey) -> None:
    for each in found.loaded:
        machine = each.machine
        size = f"{counted(len(machine.states), 'state')}, {counted(len(machine.transitions), 'transition')}"
        line_out(plain(f"{each.file}: ok: {machine.fsm_type} version {machine.version}, {size}"))
    for finding in (*found.remarks, *found.faults):
        kind = "fault" if isinstance(finding, Fault) else "remark"
        line_out(plain(f"{finding.place}: {kind}: {finding.problem}. {finding.remedy}"))
    if not found.faults:
        remarks = f", {counted(len(found.remarks), 'remark')}" if found.remarks else ""
        line_out(f"{counted(len(found.loaded), 'machine')}, no fault{remarks}.")


def _rules(machine: Machine) -> list[str]:
    rules = {"lease required": machine.lease_required, "corrections refused": machine.corrections_refused}
    return [rule for rule, holds in rules.items() if holds]


def _origin(each: Loaded) -> str:
    if each.shipped:
        return "shipped"
    return f"{each.file}, instead of the shipped one" if each.replaces else str(each.file)
