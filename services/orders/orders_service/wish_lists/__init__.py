"""Wish lists: what a customer would like to have."""
