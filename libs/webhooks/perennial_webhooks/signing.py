"""Signatures by Standard Webhooks 1.0: what is sent, and the secret by which both sides know it.

The specification: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Iterable

SECRET_PREFIX = "whsec_"  # noqa: S105 - the specification's word before every secret
_SECRET_BYTES = 32
_LEAST_SECRET_BYTES, _MOST_SECRET_BYTES = 16, 128


def new_secret() -> str:
    """A new signing secret as both sides keep it: `whsec_` and 32 random bytes in base64."""
    return SECRET_PREFIX + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def secret_bytes(secret: str) -> bytes:
    """The bytes of a secret, with its prefix or without. Raises `ValueError` for what is none."""
    try:
        found = base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("is not base64 after whsec_") from None
    if not _LEAST_SECRET_BYTES <= len(found) <= _MOST_SECRET_BYTES:
        raise ValueError(
            f"has {len(found)} bytes; {_LEAST_SECRET_BYTES} to {_MOST_SECRET_BYTES} are needed"
        )
    return found


def sign(secret: bytes, webhook_id: str, timestamp: int, body: bytes) -> str:
    """One signature, `v1,…`: HMAC-SHA256 over `id.timestamp.body` (Standard Webhooks 1.0)."""
    signed = b".".join((webhook_id.encode(), str(timestamp).encode(), body))
    digest = hmac.new(secret, signed, hashlib.sha256).digest()
    return "v1," + base64.b64encode(digest).decode()


def signed_headers(
    keys: Iterable[bytes], webhook_id: str, timestamp: int, body: bytes
) -> dict[str, str]:
    """The three headers of one attempt. `timestamp` is in seconds; while a secret is being rotated,
    `keys` are the new one and the old one, and the receiver accepts either."""
    return {
        "webhook-id": webhook_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(sign(key, webhook_id, timestamp, body) for key in keys),
    }
