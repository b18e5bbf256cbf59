"""Merchandising: the shop's own rules, which always win."""
