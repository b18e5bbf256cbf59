"""Partners' webhooks in: who they are, what they sent, what became of it."""

from perennial_webhooks.partners.api import partners
from perennial_webhooks.partners.commands import Commands, Delivery, PartnerCommand
from perennial_webhooks.partners.receiving import HOUSEKEEPING
from perennial_webhooks.partners.schema import CREATE_PARTNER_TABLES_V1

__all__ = [
    "CREATE_PARTNER_TABLES_V1",
    "HOUSEKEEPING",
    "Commands",
    "Delivery",
    "PartnerCommand",
    "partners",
]
