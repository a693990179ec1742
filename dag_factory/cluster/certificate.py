"""The server's certificate, for loopback only. kubectl sends a token only over TLS."""

from __future__ import annotations

import datetime
import ipaddress
import os
from pathlib import Path

_VALID = datetime.timedelta(days=365)
_RENEW = datetime.timedelta(days=30)  # before it expires


def ensure(folder: Path) -> tuple[Path, Path]:
    """The paths of the certificate and its key (PEM). They are created if they are missing or about to expire."""
    # Imported here: only the server needs this large library.
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    certificate_file, key_file = folder / "server.crt", folder / "server.key"
    now = datetime.datetime.now(datetime.timezone.utc)
    try:
        known = x509.load_pem_x509_certificate(certificate_file.read_bytes())
        if known.not_valid_after_utc - now > _RENEW and key_file.exists():
            return certificate_file, key_file
    except (OSError, ValueError):
        pass
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "dagf local cluster")])
    public = key.public_key()
    usage = x509.KeyUsage(True, False, False, False, False, True, True, False, False)
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + _VALID)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(public), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    key_file.unlink(missing_ok=True)
    with open(os.open(key_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:  # noqa: PTH123
        file.write(key.private_bytes(pem, pkcs8, serialization.NoEncryption()))
    certificate_file.write_bytes(certificate.public_bytes(pem))
    return certificate_file, key_file
