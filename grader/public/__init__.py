"""The public checks' side: what `pytest exercises/` needs to speak plainly. Nothing here knows an answer."""
