"""The `orders` service: the trade that every lifecycle stage shares."""
