"""What CRM systems tell."""
