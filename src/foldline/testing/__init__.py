"""Testing events against machines without a server: publish them to a dry run, and see what becomes of them.

With pytest the fixture `dry_run` gives a fresh one to each test; see `DryRun` for what can be asked of it.
"""

from foldline.dryrun import Judgment
from foldline.testing.dry_run import DryRun

__all__ = ["DryRun", "Judgment"]
