"""Listeners to what a worker announces."""

from foldline.watch.board import StateBox, Trouble, View, board
from foldline.watch.endpoint import Address, Endpoint
from foldline.watch.gauges import Backlog
from foldline.watch.health import HealthReport, Limits
from foldline.watch.log import log_listener
from foldline.watch.otel_variables import extra_installed, traces_wanted
from foldline.watch.rates import Rates
from foldline.watch.watching import HEALTH_PATH, Watching

__all__ = [
    "HEALTH_PATH",
    "Address",
    "Backlog",
    "Endpoint",
    "HealthReport",
    "Limits",
    "Rates",
    "StateBox",
    "Trouble",
    "View",
    "Watching",
    "board",
    "extra_installed",
    "log_listener",
    "traces_wanted",
]
