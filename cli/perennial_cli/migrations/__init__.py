"""Bringing every database to its newest schema."""
