"""What `engagement` holds of a person: of clicks and traits nothing stays here."""

from perennial_http.privacy import Holding

HOLDINGS = (
    Holding("aliases"),
    Holding("audit", "customer_ids && $1::text[]"),
)
