"""Keeping DuckDB quiet."""

from typing import Any


def quiet(connection: Any) -> None:
    """Have a DuckDB connection draw no progress bar into standard output.

    In a notebook without ipywidgets it cannot draw one, and refuses to be told so.
    """
    # read to the end: a result that is left open blocks whatever comes next
    ((drawn,),) = connection.execute("SELECT current_setting('enable_progress_bar')").fetchall()
    if drawn:
        connection.execute("SET enable_progress_bar = false")
