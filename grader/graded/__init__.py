"""What an instructor does with a class that has been graded: export its grades, correct them, grade again."""
