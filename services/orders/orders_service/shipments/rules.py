"""How a parcel comes from one state to the next, as its carrier sees it."""

from typing import Literal

Seen = Literal["picked_up", "in_transit", "out_for_delivery", "delivered", "failed", "lost"]
Status = Literal[
    "shipped", "picked_up", "in_transit", "out_for_delivery", "delivered", "failed", "lost"
]

_ON_ITS_WAY: dict[Seen, Status] = {
    "in_transit": "in_transit",
    "out_for_delivery": "out_for_delivery",
    "delivered": "delivered",
    "failed": "failed",
    "lost": "lost",
}

TRANSITIONS: dict[Status, dict[Seen, Status]] = {
    "shipped": {"picked_up": "picked_up", **_ON_ITS_WAY},
    "picked_up": _ON_ITS_WAY,
    "in_transit": _ON_ITS_WAY,
    "out_for_delivery": _ON_ITS_WAY,
    "failed": _ON_ITS_WAY,
    "lost": _ON_ITS_WAY,
    "delivered": {"delivered": "delivered"},
}
"""A scan is named for the state it brings about. What was lost may be found; carriers skip steps and
repeat them, the delivery too; but nothing leaves the state of having been delivered."""
