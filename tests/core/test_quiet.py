"""A connection that was made quiet is free for whatever comes next, whether it was quiet before or not."""

import duckdb
import pyarrow as pa
import pytest

from mien.core.quiet import quiet


@pytest.mark.parametrize("before", ["true", "false"])
def test_the_connection_is_free(before: str) -> None:
    with duckdb.connect() as con:
        con.execute(f"SET enable_progress_bar = {before}").fetchall()
        quiet(con)
        con.register("told", pa.table({"n": [1]}))
        assert con.execute("SELECT n FROM told").fetchall() == [(1,)]
        assert con.execute("SELECT current_setting('enable_progress_bar')").fetchall() == [(False,)]
