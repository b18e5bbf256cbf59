"""What `recommend` holds of a person: what follows from events, which is ids, skus and times.

Of what was recommended only for whom goes: how the places fared is nobody's.
"""

from perennial_http.privacy import Holding

_OF_IDENTITY = """
    (identity = ANY ($1::text[])
     OR identity IN (SELECT identity FROM aliases WHERE customer_id = ANY ($1::text[])))
"""

HOLDINGS = (
    Holding("aliases"),
    Holding("baskets"),
    Holding("rejections"),
    Holding("views", _OF_IDENTITY),
    Holding(
        "outcomes",
        f"decision_id IN (SELECT decision_id FROM decisions WHERE {_OF_IDENTITY})",  # noqa: S608 - ours
    ),
    Holding("decisions", _OF_IDENTITY, blanks={"identity": "NULL"}),
    Holding("audit", "customer_ids && $1::text[]"),
)
