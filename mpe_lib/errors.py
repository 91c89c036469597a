"""The one exception that a user is meant to read."""


class UserError(ValueError):
    """Bad input, told in one line: what is wrong, where, and the remedy.

    The command line prints the line and nothing else; in a notebook it ends the traceback.
    """

    def __init__(self, what: str, remedy: str = "") -> None:
        line = f"{what}; {remedy}" if remedy else what
        super().__init__(" ".join(line.split()))
