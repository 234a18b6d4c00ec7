"""Everything specific to this course; what the grader does for every course is in `grader/`."""
