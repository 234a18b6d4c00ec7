"""The hidden side: runs the hidden suites over submissions, and names mistakes."""
