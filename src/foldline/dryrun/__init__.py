"""The dry run: what would become of records, by the real fold on tables in memory. No server, no I/O."""

from foldline.dryrun.dryfold import DryFold
from foldline.dryrun.judgment import Judgment

__all__ = ["DryFold", "Judgment"]
