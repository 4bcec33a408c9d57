"""Certificates of an authority of our own, in files and for servers."""

import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

PASSWORD = "pass-phrase-9d3f"


class Office:
    """An authority that issues certificates into a folder.

    Attributes:
        folder: Holds the files.
        authority: The file of the authority's own certificate.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ca = trustme.CA()
        self.authority = folder / "authority.pem"
        self.ca.cert_pem.write_to_path(str(self.authority))

    def server(self, *names: str, asks: bool = False, of: "Office | None" = None) -> ssl.SSLContext:
        """Return the context of a server, which may demand a certificate of its clients, or just ask for one."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.ca.issue_cert(*(names or ("localhost", "127.0.0.1"))).configure_cert(context)
        (of or self).ca.configure_trust(context)
        context.verify_mode = ssl.CERT_OPTIONAL if asks else ssl.CERT_REQUIRED
        return context

    def plain_server(self, *names: str) -> ssl.SSLContext:
        """Return the context of a server that asks for no certificate."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.ca.issue_cert(*(names or ("localhost", "127.0.0.1"))).configure_cert(context)
        return context

    def client(self, name: str = "client", *, password: str | None = None) -> tuple[Path, Path]:
        """Write a certificate for a client and its key, encrypted with the password if there is one."""
        issued = self.ca.issue_cert(f"{name}.test", common_name=name)
        chain, key = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        chain.write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
        secret: Any = serialization.load_pem_private_key(issued.private_key_pem.bytes(), None)
        key.write_bytes(
            secret.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption()
                if password is None
                else serialization.BestAvailableEncryption(password.encode()),
            )
        )
        return chain, key


def shown_name(tls: Any) -> str | None:
    """Return the common name of the certificate that the other side showed, `None` where it showed none."""
    shown = tls.getpeercert() if tls is not None else None
    if not shown:
        return None
    return dict(pair for part in shown["subject"] for pair in part).get("commonName")


def self_signed(path: Path, name: str) -> Path:
    """Write a certificate that nobody else has signed, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    whose = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(whose, whose, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(name))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    encoding, none = serialization.Encoding.PEM, serialization.NoEncryption()
    private = key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, none)
    path.write_bytes(private + certificate.public_bytes(encoding))
    return path
