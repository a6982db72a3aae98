"""The settings that the console shows tell no password, whoever looks."""

from dataclasses import replace

import pytest

from mien.settings import Settings
from mien.stores.options import StoreSettings
from mien.web.console.system import leaves, said


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://:hunter2@cache/0", "redis://:…@cache/0"),
        ("postgresql://mien:hunter2@db/shop", "postgresql://mien:…@db/shop"),
        ("postgresql://db/shop?user=mien&password=hunter2&x=1", "postgresql://db/shop?user=mien&password=…&x=1"),
    ],
)
def test_no_password_is_shown(url, shown):
    settings = replace(Settings(), stores=StoreSettings(profiles=url, password="hunter2"))
    told = {name: said(value) for name, value in leaves(settings)}
    assert told["stores.profiles"] == shown
    assert told["stores.password"] == "…"
    assert not [name for name, text in told.items() if "hunter2" in text]
    assert dict(leaves(Settings()))["stores.password"] == ""
