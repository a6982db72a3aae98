"""What the audit log says of what was done, by whichever face it was done."""

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from starlette.testclient import TestClient
from typer.testing import CliRunner

from mien.cli import app
from mien.shop import Shop
from mien.stores.audit_check import verify
from mien.web.app import create_app

RUN = CliRunner()


def noted(shop: Shop) -> list[tuple[Any, ...]]:
    """(action, by, whether about ann), oldest first."""
    ann = shop.audit.subject("ann")
    return [(one["action"], one["by"], one["subject"] == ann) for one in reversed(shop.audit.entries())]


def test_what_is_done_over_http_is_noted_with_its_key(fresh: Shop) -> None:
    key, made = fresh.keys.add("support", "admin", 1)
    headers = {"Authorization": f"Bearer {key}"}
    with TestClient(create_app(fresh), headers=headers) as client:
        path = "/v1/profiles/ann"
        assert client.get(path).status_code == 200
        assert client.get("/v1/profiles/nobody").status_code == 404
        assert client.put(f"{path}/consent", json={"purposes": {"marketing": False}}).status_code == 200
        assert client.get(f"{path}/export").status_code == 200
        assert client.delete(path).status_code == 200
        found = client.get("/v1/audit", params={"verify": True}).json()
        mine = client.get("/v1/audit", params={"user_id": "ann", "limit": 2}).json()
    assert noted(fresh) == [
        (action, made.key_id, True) for action in ("profile.read", "consent.change", "profile.export", "profile.erase")
    ]
    assert found["verdict"]["sound"]
    assert found["entries"][0]["action"] == "profile.erase"
    assert [one["action"] for one in mine["entries"]] == ["profile.erase", "profile.export"]
    assert found["entries"][2]["detail"] == {"purposes": {"marketing": False}}


def test_what_is_done_on_the_command_line_is_noted(fresh: Shop) -> None:
    folder = str(fresh.workspace.folder)
    for arguments in (
        ["profile", "ann", "--json"],
        ["consent", "ann", "--purpose", "analytics=yes", "--json"],
        ["export", "ann"],
        ["keys", "add", "web", "--scope", "write"],
        ["erase", "ann", "--yes"],
    ):
        assert RUN.invoke(app, [*arguments, "-w", folder]).exit_code == 0, arguments
    about = [(action, mine) for action, by, mine in noted(fresh) if by == "cli"]
    wanted = ["profile.read", "consent.change", "profile.export", "key.add", "profile.erase"]
    assert about == [(action, action != "key.add") for action in wanted]
    listed = json.loads(RUN.invoke(app, ["audit", "list", "-w", folder, "--json"]).stdout)["entries"]
    assert [one["action"] for one in listed] == wanted[::-1]
    only = json.loads(RUN.invoke(app, ["audit", "list", "-w", folder, "--user", "ann", "--json"]).stdout)["entries"]
    assert len(only) == 4


def test_whoever_hands_out_many_is_noted(fresh: Shop, tmp_path: Path) -> None:
    key, made = fresh.keys.add("campaigns", "admin", 1)
    fresh.segments.save("buyers", "orders > 0")
    members = fresh.segments.get("buyers").size
    with TestClient(create_app(fresh), headers={"Authorization": f"Bearer {key}"}) as client:
        assert client.get("/v1/segments/buyers/export", params={"form": "parquet"}).status_code == 200
        assert client.get("/v1/segments/nobody/export").status_code == 404
    folder = str(fresh.workspace.folder)
    for arguments in (
        ["segment", "buyers", "--out"],
        ["segment", "--rule", "orders > 0", "--out"],
        ["profiles", "--out"],
    ):
        done = RUN.invoke(app, [*arguments, str(tmp_path / "out.parquet"), "-w", folder])
        assert done.exit_code == 0, done.output
    everybody = pq.read_metadata(tmp_path / "out.parquet").num_rows
    fresh.segments.export("buyers", tmp_path / "out.csv")
    fresh.profiles(tmp_path / "out.parquet")
    written = {"segment": "buyers", "members": members, "form": "parquet"}
    assert [(one["action"], one["by"], one["detail"]) for one in reversed(fresh.audit.entries())] == [
        ("segment.export", made.key_id, written),
        ("segment.export", "cli", written),
        ("segment.export", "cli", written | {"segment": None}),
        ("profiles.export", "cli", {"profiles": everybody}),
        ("segment.export", "local", written | {"form": "csv"}),
        ("profiles.export", "local", {"profiles": everybody}),
    ]


def test_the_command_line_finds_tampering(fresh: Shop) -> None:
    folder = str(fresh.workspace.folder)
    fresh.note("profile.read", "ann")
    fresh.note("profile.read", "dora")
    sound = RUN.invoke(app, ["audit", "verify", "-w", folder, "--json"])
    assert sound.exit_code == 0
    head = json.loads(sound.stdout)["head"]
    path = fresh.workspace.audit
    path.write_bytes(path.read_bytes().splitlines(keepends=True)[0])
    cut = RUN.invoke(app, ["audit", "verify", "-w", folder])
    assert cut.exit_code == 1
    assert "says 2" in cut.stdout
    fresh.audit.head.unlink()
    assert "the head given says 2" in RUN.invoke(app, ["audit", "verify", "-w", folder, "--head", head]).stdout
    with pytest.raises(Exception, match="is no head"):
        RUN.invoke(app, ["audit", "verify", "-w", folder, "--head", "7"], catch_exceptions=False)


def test_what_cannot_be_noted_is_not_done(fresh: Shop, tmp_path: Path) -> None:
    fresh.workspace.audit.mkdir()
    with TestClient(create_app(fresh)) as client:
        for method, path, body in (
            ("GET", "/v1/profiles/ann", None),
            ("PUT", "/v1/profiles/ann/consent", {"purposes": {"marketing": False}}),
            ("GET", "/v1/profiles/ann/export", None),
            ("DELETE", "/v1/profiles/ann", None),
        ):
            answer = client.request(method, path, json=body)
            assert (answer.status_code, answer.json()["code"]) == (503, "try_again")
    assert fresh.consents("ann")["history"] == []
    assert fresh.profile("ann").events > 0


def test_the_log_names_nobody(fresh: Shop) -> None:
    fresh.note("profile.read", "ann")
    fresh.consent("ann", {"marketing": False})
    fresh.erase("ann")
    assert b'"ann"' not in fresh.workspace.audit.read_bytes()
    assert len(fresh.audit.entries(user_id="ann")) == 3
    assert verify(fresh.audit).sound
