"""Returns: requested, approved, received, refunded."""
