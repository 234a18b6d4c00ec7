"""Finds submissions that are alike beyond what everybody was given; advice for a human, never a score."""
