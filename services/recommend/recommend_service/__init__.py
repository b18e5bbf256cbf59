"""The `recommend` service: what to offer this customer next."""
