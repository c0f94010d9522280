"""Question sets, what they measure over time, and why an answer was bad."""
