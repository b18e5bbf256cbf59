"""Engagement (acquire): clicks in, messages and rewards out."""
