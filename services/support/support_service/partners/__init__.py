"""What help desks and review sites tell."""
