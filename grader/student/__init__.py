"""What students use besides `pytest exercises/`: watch, hint, predict, reset, submit."""


class NotHereError(Exception):
    """The verb was called where there are no exercises; the text says what was expected."""


class CannotError(Exception):
    """What the verb was asked for cannot be done with the student's files as they are; the text says why."""
