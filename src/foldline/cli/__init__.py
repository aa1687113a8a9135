"""The command line: what people type."""

from foldline.cli.program import main

__all__ = ["main"]
