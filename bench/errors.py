"""The base of all errors that are messages to the user. Imports nothing, so that catching them costs nothing."""


class Complaint(Exception):
    """Something that its reader can act on: one line that says what, what was expected, what was found, what to do.

    The command line prints it without a traceback, and its exit code is 2.
    """
