"""Customers: registered, described, found."""
