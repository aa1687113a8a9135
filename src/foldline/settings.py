"""Configuration is a value: read once from the environment, `.env` and `foldline.toml`, validated, and passed down."""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from foldline.errors import SettingError

PREFIX = "FOLDLINE_"
_KAFKA_PREFIX = f"{PREFIX}KAFKA__"
_GUARANTEED = ("group.id", "enable.auto.", "auto.offset.reset", "isolation.level")


def _listed(value: object) -> object:
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


def _directories(value: object) -> object:
    return tuple(part for part in value.split(os.pathsep) if part) if isinstance(value, str) else value


def _at_least_one(topics: tuple[str, ...]) -> tuple[str, ...]:
    if not topics:
        raise ValueError("names no topic")
    return topics


Topics = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_listed), AfterValidator(_at_least_one)]
Directories = Annotated[tuple[Path, ...], NoDecode, BeforeValidator(_directories)]


class Settings(BaseSettings):
    """Every setting, by the name of its environment variable in lower case, `foldline_` left out."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter="__",
        env_file=".env",
        toml_file="foldline.toml",
        extra="ignore",
        hide_input_in_errors=True,
        frozen=True,
    )

    database_url: SecretStr | None = Field(None, validation_alias="DATABASE_URL")
    kafka_bootstrap_servers: str | None = Field(None, validation_alias="KAFKA_BOOTSTRAP_SERVERS")
    group_id: str = Field("foldline", min_length=1)
    transition_topics: Topics = ("fsm.transitions.v1",)
    workflow_topics: Topics = ("workflow.executions.v1",)
    intent_topic: str = "fsm.intents.v1"
    deadletter_topic: str = "fsm.deadletters.v1"
    machines: Directories = ()
    shipped_machines: Literal["on", "off"] = "on"
    home: Path | None = None
    start: Literal["", "earliest"] = ""
    batch_size: int = Field(5_000, ge=1, le=100_000)
    kafka: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _one_kind_per_topic(self) -> Settings:
        both = set(self.transition_topics) & set(self.workflow_topics)
        if both:
            raise ValueError(
                f"{', '.join(sorted(both))} is listed both for transitions and for workflows; a topic has one kind"
            )
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment decides, then `.env`, then `foldline.toml`."""
        del file_secret_settings
        return init_settings, env_settings, dotenv_settings, _TomlNames(settings_cls)

    @property
    def topics(self) -> tuple[str, ...]:
        """Every topic that is read."""
        return self.transition_topics + self.workflow_topics

    def kafka_properties(self, bootstrap_servers: str) -> dict[str, str]:
        """The librdkafka properties that the user set, and where the brokers are."""
        return {
            **{_property(name): value for name, value in self.kafka.items()},
            "bootstrap.servers": bootstrap_servers,
        }


class _TomlNames(TomlConfigSettingsSource):
    """`foldline.toml` holds the same names as the environment, in either case."""

    def __call__(self) -> dict[str, Any]:
        return {_field(name): value for name, value in super().__call__().items()}


def load_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """Read and validate every setting.

    Raises:
        SettingError: one line for each setting that is wrong, unknown or refused. Never a value.
    """
    environment = os.environ if environment is None else environment
    unknown = [name for name in environment if name.startswith(PREFIX) and not _is_known(name)]
    if unknown:
        near = difflib.get_close_matches(unknown[0], _names(), n=1)
        raise SettingError(
            f"{unknown[0]} is no setting of foldline.", remedy=f"Did you mean {near[0]}?" if near else "Unset it."
        )
    try:
        settings = Settings()  # type: ignore[call-arg]  # every field has its source or its default
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        name = _variable(str(first["loc"][0])) if first["loc"] else "The settings"
        raise SettingError(f"{name}: {first['msg'].removeprefix('Value error, ')}.", remedy="Correct it.") from None
    for name in settings.kafka:
        if _property(name).startswith(_GUARANTEED):
            raise SettingError(
                f"{_KAFKA_PREFIX}{name.upper()} is refused: foldline's guarantees rest on {_property(name)}.",
                remedy="Unset it. The consumer group is FOLDLINE_GROUP_ID.",
            )
    return settings


def _property(name: str) -> str:
    lowered = name.lower()
    return lowered if lowered == "log_level" else lowered.replace("_", ".")


def _variable(field: str) -> str:
    return field if field.isupper() else f"{PREFIX}{field.upper()}"


def _field(name: str) -> str:
    upper = name.upper()
    return upper if upper in ("DATABASE_URL", "KAFKA_BOOTSTRAP_SERVERS") else upper.removeprefix(PREFIX).lower()


def _names() -> list[str]:
    return [
        _variable(field.validation_alias if isinstance(field.validation_alias, str) else name)
        for name, field in Settings.model_fields.items()
        if name != "kafka"
    ]


def _is_known(name: str) -> bool:
    return name in _names() or name.startswith(_KAFKA_PREFIX)
