"""What `recommend` holds of a person: what follows from events, which is ids, skus and times."""

from perennial_http.privacy import Holding

_OF_IDENTITY = """
    (identity = ANY ($1::text[])
     OR identity IN (SELECT identity FROM aliases WHERE customer_id = ANY ($1::text[])))
"""

HOLDINGS = (
    Holding("aliases"),
    Holding("baskets"),
    Holding("returned"),
    Holding("recent_views", _OF_IDENTITY),
    Holding("audit", "customer_ids && $1::text[]"),
)
