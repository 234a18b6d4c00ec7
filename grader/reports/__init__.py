"""What people read: feedback for a student, tables and pages for the instructor."""
