"""What mail and message providers tell."""
