"""What each customer is worth: score, value segment, value tier, cost to serve."""
