"""The value model's tests."""
