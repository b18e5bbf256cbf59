"""Support (retain): complaints, cases and service recovery."""
