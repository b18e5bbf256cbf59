"""Recommend (expand): what to offer this customer next."""
