"""The named mistakes, one file for each module."""
