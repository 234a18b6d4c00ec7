"""The public checks' side: what `pytest exercises/` needs to report plainly. Nothing here knows an answer."""
