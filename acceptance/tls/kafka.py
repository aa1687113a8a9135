"""A Kafka with TLS, passwords and an authorizer: the embedded broker's jars with further properties."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from threading import Event

from confluent_kafka.admin import (  # type: ignore[attr-defined]  # public by documentation, not by its types
    AclBinding,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)

from acceptance.tls.certificates import HOST, Certificates
from foldline.embedded.child import Child
from foldline.embedded.jars import JarCache, locked_jars
from foldline.embedded.java import find_java
from foldline.embedded.kafka import Kafka
from foldline.embedded.kafka_settings import broker_properties
from foldline.embedded.ports import Ports

_ITERATIONS = 4096


class TlsKafka(Kafka):
    """One broker below `root`. `bootstrap_servers` is an unencrypted listener of its administrator's."""

    name = "Kafka with TLS"

    def __init__(self, root: Path, certificates: Certificates, jars: Sequence[Path]) -> None:
        super().__init__(root, Ports(root), find_java(), jars, optimising=False)
        self._keystore = root / "keystore.pem"
        self._keystore.touch(0o600)
        self._keystore.write_bytes(certificates["server.key"].read_bytes() + certificates["server.pem"].read_bytes())
        self._tls_port = 0

    @property
    def address(self) -> str:
        return f"{HOST}:{self._tls_port}"

    def add_user(self, name: str, password: str) -> None:
        credential = UserScramCredentialUpsertion(
            name, ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, _ITERATIONS), password.encode()
        )
        administrator = self._administrator()  # an answer needs it alive
        for future in administrator.alter_user_scram_credentials([credential]).values():
            future.result()

    def allow(self, user: str, kind: str, names: Sequence[str], operations: Sequence[str]) -> None:
        """Let the user do that with the topics, or the groups, of these names."""
        acls = [
            AclBinding(
                ResourceType[kind.upper()],
                name,
                ResourcePatternType.LITERAL,
                f"User:{user}",
                "*",
                AclOperation[_constant(operation)],
                AclPermissionType.ALLOW,
            )
            for name in names
            for operation in operations
        ]
        administrator = self._administrator()
        for future in administrator.create_acls(acls).values():
            future.result()

    def _administrator(self) -> AdminClient:
        return AdminClient({"bootstrap.servers": self.bootstrap_servers})

    def _spawn(self) -> Child:
        self._port, controller_port, self._tls_port = self._ports.take("kafka", "controller", "tls")
        plain, controller = f"PLAINTEXT://127.0.0.1:{self._port}", f"CONTROLLER://127.0.0.1:{controller_port}"
        scram = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
        further = {  # of a property that is there twice the last counts
            "listeners": f"{plain},SASL_SSL://127.0.0.1:{self._tls_port},{controller}",
            "advertised.listeners": f"{plain},SASL_SSL://{self.address}",
            "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SASL_SSL:SASL_SSL",
            "sasl.enabled.mechanisms": "SCRAM-SHA-512",
            "listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config": scram,
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": str(self._keystore),
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "super.users": "User:ANONYMOUS",
        }
        properties = broker_properties(self._logs, port=self._port, controller_port=controller_port)
        properties += "".join(f"{name}={value}\n" for name, value in further.items())
        self._properties.write_text(properties, encoding="ascii")
        self._format()
        return Child(self._command("kafka.Kafka", self._properties))


def kafka_jars() -> list[Path]:
    """The jars of the embedded broker, fetched if they are not there yet."""
    return JarCache(Path.home() / ".cache/foldline", locked_jars()).complete(Event())


def _constant(operation: str) -> str:
    return "".join(f"_{letter}" if letter.isupper() else letter for letter in operation).strip("_").upper()
