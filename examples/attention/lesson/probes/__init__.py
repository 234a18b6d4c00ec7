"""Functions that run beside a student's objects, and send values back."""
