"""Whether the OTEL_ variables ask for traces.

They are OpenTelemetry's, whose SDK reads them itself; nothing of it is imported before they do.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec

from foldline.errors import SettingError

_PROTOCOLS = ("", "http/protobuf")


def traces_wanted(environment: Mapping[str, str]) -> bool:
    """Whether there is somewhere to export spans to.

    Raises:
        SettingError: they ask for an exporter that is not in the extra `otel`.
    """
    exporter = environment.get("OTEL_TRACES_EXPORTER", "").strip()
    endpoints = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
    if environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true" or exporter == "none":
        return False
    if not exporter and not any(environment.get(name) for name in endpoints):
        return False
    if exporter not in ("", "otlp"):
        raise SettingError(
            "OTEL_TRACES_EXPORTER asks for another exporter than otlp, the only one that foldline has.",
            remedy="Set it to otlp or to none for this worker.",
        )
    name, protocol = next(
        ((name, environment[name].strip()) for name in _PROTOCOL_VARIABLES if environment.get(name)), ("", "")
    )
    if protocol not in _PROTOCOLS:
        raise SettingError(
            f"{name} asks for another protocol than http/protobuf, the only one that foldline has.",
            remedy="Set it to http/protobuf for this worker, with an endpoint that speaks it (often port 4318).",
        )
    return True


_PROTOCOL_VARIABLES = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")


def extra_installed() -> bool:
    """Whether the extra `otel` is there. Imports nothing of it."""
    try:
        return all(find_spec(f"opentelemetry.{part}") is not None for part in ("sdk", "exporter.otlp.proto.http"))
    except ModuleNotFoundError:
        return False
