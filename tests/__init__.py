"""Tests across services."""
