"""A customer's story through the public APIs, on both logs."""
