"""Webhooks: signed and verified, guarded against the inner network, mapped to our own commands.

Out: `Sender` posts what `signed_headers` signed, through the network guard. In: `partners` gives a
service the routes by which its partners speak to it.
"""

from perennial_webhooks.guard import Forbidden, GuardedNetwork, Resolve, check_url
from perennial_webhooks.partners import (
    CREATE_PARTNER_TABLES_V1,
    HOUSEKEEPING,
    Commands,
    Delivery,
    PartnerCommand,
    partners,
)
from perennial_webhooks.sealing import NoSecretKey, Sealer
from perennial_webhooks.sending import Attempt, Sender
from perennial_webhooks.signing import new_secret, secret_bytes, sign, signed_headers
from perennial_webhooks.verification import Verification, verify

__all__ = [
    "CREATE_PARTNER_TABLES_V1",
    "HOUSEKEEPING",
    "Attempt",
    "Commands",
    "Delivery",
    "Forbidden",
    "GuardedNetwork",
    "NoSecretKey",
    "PartnerCommand",
    "Resolve",
    "Sealer",
    "Sender",
    "Verification",
    "check_url",
    "new_secret",
    "partners",
    "secret_bytes",
    "sign",
    "signed_headers",
    "verify",
]
