"""Certificates for localhost, good and bad, as files."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import trustme
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

HOST = "localhost"
OTHER_HOST = "127.0.0.1"
"""The same machine under a name that no certificate has."""


@dataclass(frozen=True)
class Certificates:
    """In a directory: for each name, what was signed (`.pem`) and its key (`.key`, PKCS 8, mode 0600)."""

    directory: Path

    def __getitem__(self, name: str) -> Path:
        return self.directory / name


def certificates(directory: Path) -> Certificates:
    """An authority with two servers' certificates, one expired, and two clients'; and another authority."""
    authority, stranger = trustme.CA(), trustme.CA()
    authority.cert_pem.write_to_path(directory / "ca.pem")
    stranger.cert_pem.write_to_path(directory / "stranger.pem")
    past = datetime.now(UTC) - timedelta(days=1)
    for name, issued in {
        "server": authority.issue_cert(HOST),
        "expired": authority.issue_cert(HOST, not_before=past - timedelta(days=1), not_after=past),
        "worker": authority.issue_cert("worker@db.example", common_name="worker"),
        "dashboard": authority.issue_cert("dashboard@db.example", common_name="dashboard"),
    }.items():
        (directory / f"{name}.pem").write_bytes(b"".join(pem.bytes() for pem in issued.cert_chain_pems))
        _write_key(directory / f"{name}.key", issued.private_key_pem.bytes())
    return Certificates(directory)


def _write_key(path: Path, pem: bytes) -> None:
    key = load_pem_private_key(pem, None)
    path.touch(0o600)
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
