"""The one exception that a user is meant to read."""

LONGEST = 2000  # characters of what is told; a cell of a table may have many more


class UserError(ValueError):
    """Bad input, told in one line: what is wrong, where, and the remedy.

    The command line prints the line and nothing else; in a notebook it ends the traceback. What no terminal shows, or
    would obey, is written as an escape.
    """

    def __init__(self, what: str, remedy: str = "") -> None:
        if len(what) > LONGEST:
            what = f"{what[: LONGEST // 2]} ... {what[-LONGEST // 2 :]}"
        line = " ".join(f"{what}; {remedy}".split() if remedy else what.split())
        super().__init__("".join(each if each.isprintable() else ascii(each)[1:-1] for each in line))
