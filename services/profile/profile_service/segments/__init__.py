"""Segments: rules over state, attributes and event history, and who fits them right now."""
