"""What `profile` holds of a person. What follows from events alone has ids, codes and amounts only."""

from perennial_http.privacy import Holding

_OF_IDENTITY = """
    (identity = ANY ($1::text[])
     OR identity IN (SELECT identity FROM aliases WHERE customer_id = ANY ($1::text[])))
"""

HOLDINGS = (
    Holding(
        "customers",
        blanks={
            "company_id": "NULL",
            "email": "NULL",
            "phone": "NULL",
            "name": "NULL",
            "locale": "NULL",
            "timezone": "NULL",
            "country": "NULL",
            "postcode": "NULL",
            "birth_date": "NULL",
            "attributes": "'{}'",
            "acquisition": "NULL",
        },
    ),
    Holding("consents", deleted=True),
    Holding("identities", deleted=True),
    Holding("merges", "(customer_id = ANY ($1::text[]) OR into_id = ANY ($1::text[]))"),
    Holding("stages"),
    Holding("predictions", deleted=True),
    Holding("segment_members", deleted=True),
    Holding("segment_dues", deleted=True),
    Holding("segment_changes", deleted=True),
    Holding("aliases"),
    Holding("order_facts"),
    Holding("click_days", _OF_IDENTITY),
    Holding("case_facts"),
    Holding("complaint_facts"),
    Holding("return_facts"),
    Holding("message_facts"),
    Holding("satisfaction_facts"),
    Holding("recovery_facts"),
    Holding("worth", deleted=True),
    Holding("timeline", _OF_IDENTITY),
    Holding("erasures"),
    Holding("audit", "customer_ids && $1::text[]"),
)
