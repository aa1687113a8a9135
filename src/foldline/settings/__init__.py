"""Configuration is a value: read once from the environment, `.env` and `foldline.toml`, validated, and passed down."""

from foldline.settings.faults import ENVIRONMENT, HIDDEN, Fault, Origin, SettingFaults
from foldline.settings.loading import REFUSED, Reading, load_settings, read_settings
from foldline.settings.model import Settings, variables
from foldline.settings.names import kafka_variable, spelt_like

__all__ = [
    "ENVIRONMENT",
    "HIDDEN",
    "REFUSED",
    "Fault",
    "Origin",
    "Reading",
    "SettingFaults",
    "Settings",
    "kafka_variable",
    "load_settings",
    "read_settings",
    "spelt_like",
    "variables",
]
