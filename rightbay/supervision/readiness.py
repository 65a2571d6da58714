"""How a child tells its supervisor that it does its work: one word on its standard output.

A role writes nothing else there (data go to the database, logs to stderr), so the word needs no
further channel, and whoever runs a role by hand sees it too.
"""

READY = "ready"


def say_ready() -> None:
    """Tell whoever started this process that it does its work from now on."""
    print(READY, flush=True)  # noqa: T201 - this line is the signal
