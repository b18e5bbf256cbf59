"""What marketplaces, payment providers and carriers tell."""
