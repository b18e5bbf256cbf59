"""Orders: placed, paid, cancelled, completed, and imported from the past."""
