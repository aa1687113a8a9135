"""Listeners to what a worker announces."""

from foldline.watch.log import log_listener

__all__ = ["log_listener"]
