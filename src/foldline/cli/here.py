"""Which servers a command talks to."""

from __future__ import annotations

from foldline.app import Place, place
from foldline.cli.output import note
from foldline.settings import load_settings


def here(*, database: bool = False, kafka: bool = False) -> Place:
    """Read the settings and find the servers that the command needs; says so when they are those of `foldline up`."""
    found = place(load_settings())
    unset = [
        name
        for name, needed, setting in (
            ("DATABASE_URL", database, found.settings.database_url),
            ("KAFKA_BOOTSTRAP_SERVERS", kafka, found.settings.kafka_bootstrap_servers),
        )
        if needed and setting is None
    ]
    if unset and found.servers is not None:
        are = "is" if len(unset) == 1 else "are"
        note(f"{' and '.join(unset)} {are} not set: using the running `foldline up` in {found.servers.home}.")
        for name in unset:
            if (meant := found.settings.near_miss(name)) is not None:
                note(f"Is {meant} meant to be {name}?")
    return found
