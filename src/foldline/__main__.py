"""The program `foldline`, which is also `python -m foldline`."""

import os
import signal

if os.getpid() == 1:
    # The first process of a container: for it SIGTERM has no default action. While the rest is loaded it would be lost.
    signal.signal(signal.SIGTERM, lambda *_: os._exit(128 + signal.SIGTERM))

from foldline.cli import main

if __name__ == "__main__":
    main()
