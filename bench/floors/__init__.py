"""Floors: what a bare program that does only the unavoidable reaches on the same machine in the same run."""
