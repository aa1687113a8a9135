"""The command line: what people type."""


def main() -> None:
    """Run the command that the arguments name."""
    raise SystemExit("not wired yet")
