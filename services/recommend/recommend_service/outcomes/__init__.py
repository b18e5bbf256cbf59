"""Outcomes: what became of recommendations, and what the blend's weights learn from that."""
