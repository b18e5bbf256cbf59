"""What `orders` holds of a person.

Orders themselves stay for the books: ids, goods and amounts. Personal are the reasons that people
write for a return, where a parcel was seen, and the number by which its carrier knows the address.
"""

from perennial_http.privacy import Holding

HOLDINGS = (
    Holding("orders"),
    Holding(
        "shipments",
        # One that is still on its way has to be found until it arrives; then the sweep comes by.
        blanks={
            "tracking_number": "CASE WHEN delivered_at IS NULL THEN tracking_number ELSE 'erased' END"
        },
    ),
    Holding.through(
        "scans", "shipments", "shipment_id", {"lat": "NULL", "lon": "NULL", "place": "NULL"}
    ),
    Holding("returns", blanks={"reason": "'[erased]'"}),
    Holding("gift_cards"),
    Holding("wish_list_items", deleted=True),
    Holding("opportunities", blanks={"title": "'[erased]'", "next_step": "NULL"}),
    Holding("quotes"),
    Holding("aliases"),
    Holding("audit", "customer_ids && $1::text[]"),
)
