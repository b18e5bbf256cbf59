"""Who sent this: Standard Webhooks, an HMAC in a header of the sender's choice, Basic, or mutual TLS.

Everything is compared over the raw bytes and in constant time. A sender that is not known is checked
against a secret that nobody has, so that neither the answer nor its time says that there is none.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Final, Literal, Self

from pydantic import StringConstraints, model_validator

from perennial_http import Body
from perennial_webhooks.signing import new_secret, secret_bytes, sign

TOLERANCE_SECONDS = 300
"""How far `webhook-timestamp` may be from now, either way: older ones are replays."""

Scheme = Literal["hmac", "standard", "basic", "mtls"]
Encoding = Literal["base64", "hex"]
HeaderName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{1,64}$")]
Printable = Annotated[str, StringConstraints(pattern=r"^[!-~]{1,32}$")]
PartnerSecret = Annotated[str, StringConstraints(pattern=r"^[ -~]{8,500}$")]

_HEADERS: Final[dict[Scheme, str]] = {
    "hmac": "x-signature",
    "standard": "webhook-signature",
    "basic": "authorization",
    "mtls": "x-client-cert-fingerprint",
}


class Verification(Body):
    """How a partner proves itself."""

    scheme: Scheme
    secret: PartnerSecret
    """`whsec_…` (standard), the HMAC's key, `user:password` (basic), or what the ingress writes into
    the header when the client's certificate is the partner's (mtls)."""
    header: HeaderName | None = None
    """Where the signature stands (hmac), or the ingress's finding (mtls)."""
    encoding: Encoding | None = None
    """Of an HMAC; base64 where nothing else is said."""
    prefix: Printable | None = None
    """What stands before an HMAC, such as `sha256=`."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.scheme == "standard":
            try:
                secret_bytes(self.secret)
            except ValueError as error:
                raise ValueError(f"the secret {error}") from None
        if self.scheme == "basic" and ":" not in self.secret:
            raise ValueError("the secret of basic is user:password")
        return self

    @property
    def signature_header(self) -> str:
        return (self.header or _HEADERS[self.scheme]).lower()


NOBODY: Final = Verification(scheme="standard", secret=new_secret())
"""Stands in for a partner that is not known. Nobody has its secret."""


def verify(
    verification: Verification, headers: Mapping[str, str], body: bytes, now: datetime
) -> bool:
    """Whether the partner sent these bytes. `headers` are by lower-case name."""
    match verification.scheme:
        case "standard":
            return _standard(verification, headers, body, now)
        case "hmac":
            return _hmac(verification, headers, body)
        case "basic":
            return _basic(verification, headers)
        case "mtls":
            return _same(headers.get(verification.signature_header, ""), verification.secret)


def _standard(
    verification: Verification, headers: Mapping[str, str], body: bytes, now: datetime
) -> bool:
    sent_at = headers.get("webhook-timestamp", "")
    timestamp = int(sent_at) if sent_at.isascii() and sent_at.isdigit() and len(sent_at) < 12 else 0
    expected = sign(
        secret_bytes(verification.secret), headers.get("webhook-id", ""), timestamp, body
    )
    # While the sender rotates its secret it signs with both: one that fits is enough.
    fits = False
    for candidate in headers.get("webhook-signature", "").split()[:16]:
        fits |= _same(candidate, expected)
    return (
        fits
        and bool(headers.get("webhook-id"))
        and abs(now.timestamp() - timestamp) <= TOLERANCE_SECONDS
    )


def _hmac(verification: Verification, headers: Mapping[str, str], body: bytes) -> bool:
    digest = hmac.new(verification.secret.encode(), body, hashlib.sha256).digest()
    hexadecimal = verification.encoding == "hex"
    written = digest.hex() if hexadecimal else base64.b64encode(digest).decode()
    sent = headers.get(verification.signature_header, "").strip()
    if hexadecimal:
        sent = sent.lower()
    return _same(sent, (verification.prefix or "") + written)


def _basic(verification: Verification, headers: Mapping[str, str]) -> bool:
    scheme, _, credentials = headers.get("authorization", "").partition(" ")
    try:
        sent = base64.b64decode(credentials.strip(), validate=True)
    except (binascii.Error, ValueError):
        sent = b""
    return hmac.compare_digest(sent, verification.secret.encode()) & (scheme.lower() == "basic")


def _same(sent: str, expected: str) -> bool:
    return hmac.compare_digest(
        sent.encode("latin-1", "replace"), expected.encode("latin-1", "replace")
    )
