"""Evaluation: how well each strategy foretells what visitors did, beside what others would have said.

A program of its own (`python -m recommend_service.evaluation`): it reads tables with polars and fits
models, which the service's process does not carry.
"""
