"""From the solutions to what students get."""
