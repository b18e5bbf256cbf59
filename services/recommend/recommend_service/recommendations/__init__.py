"""Recommendations: what to offer, where, and because of what."""
