"""Fixtures that every suite shares."""

pytest_plugins = ["perennial_events.testing"]
