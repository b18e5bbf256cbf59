"""Customer state: a projection of every topic."""
