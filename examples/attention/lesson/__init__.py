"""What belongs to this course alone."""
