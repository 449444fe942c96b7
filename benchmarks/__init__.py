"""What the linter costs, measured the same way every time."""
