"""What `support` holds of a person: what they wrote, and what was written to them and about them.

Cases and complaints stay for the reports: ids, codes and times.
"""

from perennial_http.privacy import Holding

HOLDINGS = (
    Holding("cases"),
    Holding(
        "complaints",
        # The words that decided a suggestion are the customer's own.
        blanks={"text": "'[erased]'", "because": """'{"category": [], "severity": []}'"""},
    ),
    Holding.through("messages", "cases", "case_id", {"text": "'[erased]'"}),
    Holding("reviews", blanks={"title": "NULL", "text": "NULL"}),
    Holding("aliases"),
    Holding("audit", "customer_ids && $1::text[]"),
)
