"""Listeners to what a worker announces."""

from foldline.watch.board import StateBox, Trouble, View, board
from foldline.watch.log import log_listener
from foldline.watch.rates import Rates

__all__ = ["Rates", "StateBox", "Trouble", "View", "board", "log_listener"]
