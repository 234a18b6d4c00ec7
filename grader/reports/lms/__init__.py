"""Grades in the formats of learning management systems: pure functions from results to text, one file per format."""
