"""`python -m acceptance.compose`: a project of its own, one line for each thing seen, and nothing left behind.

Its steps are those of docs/deploy.md, on one machine.
"""

from __future__ import annotations

import sys
import time
import traceback

from acceptance.compose.scenario import STEPS
from acceptance.compose.stack import Stack


def main() -> int:
    began = time.monotonic()
    stack = Stack()
    passed = 0
    try:
        for step in STEPS:
            seen = step(stack)
            passed += 1
            print(f"{time.monotonic() - began:6.1f} s  {seen}", flush=True)
    except Exception:  # noqa: BLE001 - whatever it is, people want to see the containers before they are gone
        traceback.print_exc()
        print(stack.said(), flush=True)
    finally:
        stack.remove()
    print(f"{passed} passed, {len(STEPS) - passed} failed")
    return 0 if passed == len(STEPS) else 1


sys.exit(main())
