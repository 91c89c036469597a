"""The one exception that a user is meant to read."""

LONGEST = 1400  # characters of what is told, and of its remedy; a cell of a table may have many more


class UserError(ValueError):
    """Bad input, told in one line: what is wrong, where, and the remedy.

    The command line prints the line and nothing else; in a notebook it ends the traceback. What no terminal shows, or
    would obey, is written as an escape.
    """

    def __init__(self, what: str, remedy: str = "") -> None:
        super().__init__("; ".join(map(one_line, (what, remedy) if remedy else (what,))))


def one_line(text: str) -> str:
    """A text as a UserError has it: without its middle if it is long."""
    if len(text) > LONGEST:
        text = f"{text[: LONGEST // 2]} ... {text[-LONGEST // 2 :]}"
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in " ".join(text.split()))
