"""The `profile` service: who the customers are and what each of them is worth."""
