"""What all tests share: where the real data lies."""

import os
from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data beside the checkout; without it the test is skipped, unless it is required."""
    if not SHARED.is_dir():
        if os.environ.get("MIEN_REQUIRE_SHARED"):
            pytest.fail(f"The shared data is required but not at {SHARED}.")
        pytest.skip(f"The shared data is not at {SHARED}; put it beside the checkout to run this test.")
    return SHARED


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with slow tests, or tests that wait for servers, come first: at the end nobody waits for one of them."""
    long = {item.path for item in items if item.get_closest_marker("slow") or item.get_closest_marker("service")}
    items.sort(key=lambda item: item.path not in long)
