"""What belongs to this lesson alone, and to no other: what the grader does for every course lies in `grader/`."""
