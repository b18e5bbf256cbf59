"""Complaints: what customers say went wrong, and what it seems to be about."""
