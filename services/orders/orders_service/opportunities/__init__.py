"""Opportunities: sales to companies on their way, what they are worth, and who earns what by them."""
