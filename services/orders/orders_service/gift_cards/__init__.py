"""Gift cards: money paid ahead, spent on orders, and given back with them."""
