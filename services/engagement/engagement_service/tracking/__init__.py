"""Tracking: Segment's calls in, clicks out."""
