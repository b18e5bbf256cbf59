"""Quotes: what a company is offered, until when, and the order that comes of it."""
