"""`mien consume` on librdkafka's mock cluster: once each, whatever is killed, delivered again, poisoned or full."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import servers

from mien.consuming import Consuming, StreamOptions, read_config
from mien.core.errors import TransientError, UnknownName, UsageError
from mien.core.tables import LOGGED
from mien.live import Live
from mien.shop import Shop, create
from mien.shop import open as open_shop
from mien.testing.live_checks import unlike_the_log
from mien.testing.world import world

pytestmark = pytest.mark.service
FAST = {"session.timeout.ms": "6000", "heartbeat.interval.ms": "200", "socket.timeout.ms": "3000"}


@pytest.fixture(scope="module")
def cluster() -> Any:
    """A producer that is its own cluster; `cluster.brokers` tells where it listens."""
    kafka = pytest.importorskip("confluent_kafka")
    producer = kafka.Producer({"bootstrap.servers": "none", "test.mock.num.brokers": 1, "log_level": 0})
    (broker,) = producer.list_topics(timeout=10).brokers.values()
    return Cluster(producer, f"{broker.host}:{broker.port}")


class Cluster:
    def __init__(self, producer: Any, brokers: str) -> None:
        self.producer, self.brokers, self.topics = producer, brokers, 0

    def topic(self) -> str:
        """A new one, empty."""
        self.topics += 1
        name = f"events-{self.topics}"
        servers.await_true(lambda: name in self.producer.list_topics(name, timeout=10).topics, "no topic")
        return name

    def send(self, topic: str, *records: object) -> None:
        for record in records:
            value = record if isinstance(record, bytes | None) else json.dumps(record).encode()
            self.producer.produce(topic, value)
        assert self.producer.flush(20) == 0

    def options(self, topic: str, group: str = "mien", **more: Any) -> StreamOptions:
        return StreamOptions(self.brokers, topic, group, until_end=True, config=FAST, **more)


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    toy = world()
    with create(tmp_path / "shop") as shop:
        shop.ingest(events=toy.event_table, items=toy.items)
        shop.build()
    with open_shop(tmp_path / "shop", served=True) as shop:
        yield shop


def message(number: int, **more: Any) -> dict[str, Any]:
    told = {"type": "track", "messageId": f"m{number}", "event": "Product Viewed", "userId": f"u{number % 7}"}
    return told | {"properties": {"product_id": "teapot"}} | more


def consume(shop: Shop, options: StreamOptions) -> Counter[str]:
    with Live(shop) as live:
        return Consuming(live, options).run(threading.Event())


def ids(shop: Shop) -> list[str]:
    return [str(one) for one in shop.stock.tail.table()[LOGGED.EVENT_ID].to_pylist()]


def test_messages_and_batches_arrive_once_and_are_resumed(cluster: Cluster, shop: Shop) -> None:
    topic = cluster.topic()
    nameless = {key: value for key, value in message(0).items() if key != "messageId"}
    cluster.send(topic, *map(message, range(50)), {"batch": [message(50), message(51), nameless]}, nameless, nameless)
    assert consume(shop, cluster.options(topic)) == {"new": 55, "events": 55}
    assert unlike_the_log(shop) == []
    assert sum(shop.profile(f"u{k}").events for k in range(7)) == 55
    cluster.send(topic, message(3), message(60))
    assert consume(shop, cluster.options(topic)) == {"new": 1, "duplicate": 1, "events": 1}
    assert consume(shop, cluster.options(topic)) == {}
    again = consume(shop, cluster.options(topic, "another group"))  # all of it is delivered again
    assert (again["new"], again["duplicate"]) == (0, 57)
    assert len(ids(shop)) == len(set(ids(shop))) == 56


def test_poison_becomes_dead_letters_and_holds_up_nobody(cluster: Cluster, shop: Shop) -> None:
    topic = cluster.topic()
    poison = (b"\xff\xfe", None, b"[" * 50_000, {"batch": 7}, message(2, userId="null"))
    cluster.send(topic, message(1), *poison, message(3))
    fates = consume(shop, cluster.options(topic))
    assert fates["new"] == 2
    assert shop.dead_letters()["reasons"] == {"bad_message": 3, "empty_record": 1, "refused_id": 1}
    consume(shop, cluster.options(topic, "again"))
    assert shop.dead_letters()["total"] == 5
    (letter,) = [one for one in shop.dead_letters()["letters"] if one["reason"] == "refused_id"]
    assert letter["source"] == "kafka"
    shop.mend(letter["id"], json.loads(letter["raw"]) | {"userId": "vera"})
    assert shop.replay()["accepted"] == 1
    assert sorted(ids(shop)) == ["m1", "m2", "m3"]


def test_nothing_is_committed_before_it_is_kept(cluster: Cluster, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    topic, tail = cluster.topic(), shop.stock.tail
    cluster.send(topic, *map(message, range(20)))
    keep, failures = tail.append_all, [3]

    def full(*arguments: Any) -> Any:
        failures[0] -= 1
        if failures[0] >= 0:
            raise TransientError("the disk is full")
        return keep(*arguments)

    monkeypatch.setattr("mien.consuming.RETRY_S", 0.05)
    monkeypatch.setattr(type(tail), "append_all", lambda _, *arguments: full(*arguments))
    assert consume(shop, cluster.options(topic))["new"] == 20
    assert failures[0] < 0

    monkeypatch.setattr(type(tail), "append_all", lambda *_: (_ for _ in ()).throw(TransientError("still full")))
    cluster.send(topic, *map(message, range(20, 30)))
    stop = threading.Event()
    threading.Timer(3, stop.set).start()
    with Live(shop) as live:
        assert Consuming(live, cluster.options(topic)).run(stop) == {}
    monkeypatch.undo()
    assert consume(shop, cluster.options(topic))["new"] == 10


def process(shop: Shop, cluster: Cluster, topic: str, tmp_path: Path, *flags: str) -> subprocess.Popen[str]:
    config = tmp_path / "kafka.properties"
    config.write_text("# for tests\n" + "".join(f"{name}={value}\n" for name, value in FAST.items()))
    where = ["-w", str(shop.workspace.folder), "--brokers", cluster.brokers, "--topic", topic]
    command = [sys.executable, "-m", "mien", "consume", *where, "--config", str(config), "--json", *flags]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_killed_in_the_middle_each_is_there_once(cluster: Cluster, shop: Shop, tmp_path: Path) -> None:
    topic = cluster.topic()
    cluster.send(topic, *map(message, range(2_000)))
    for killed in (1, 2):
        before = len(ids(shop))
        victim = process(shop, cluster, topic, tmp_path)
        servers.await_true(lambda: len(ids(shop)) > before, "nothing is consumed", within_s=60)  # noqa: B023
        os.kill(victim.pid, signal.SIGKILL)
        victim.communicate()
        cluster.send(topic, *map(message, range(2_000 * killed, 2_000 * killed + 2_000)))
        time.sleep(6)  # until the group has noticed that a member is gone
    last = process(shop, cluster, topic, tmp_path, "--until-end")
    printed, told = last.communicate(timeout=120)
    assert last.returncode == 0, told
    assert json.loads(printed)["fates"]["new"] > 0
    assert sorted(ids(shop)) == sorted(f"m{k}" for k in range(6_000))
    assert unlike_the_log(shop) == []


def test_asked_to_end_it_commits_what_it_took(cluster: Cluster, shop: Shop, tmp_path: Path) -> None:
    topic = cluster.topic()
    cluster.send(topic, *map(message, range(300)))
    running = process(shop, cluster, topic, tmp_path)
    servers.await_true(lambda: len(ids(shop)) == 300, "not all is consumed", within_s=60)
    running.send_signal(signal.SIGTERM)
    printed, told = running.communicate(timeout=60)
    assert running.returncode == 0, told
    assert json.loads(printed) == {"fates": {"new": 300, "events": 300}}
    assert consume(shop, cluster.options(topic)) == {}


def test_what_is_wrong_is_one_sentence(cluster: Cluster, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    with Live(shop) as live:
        monkeypatch.setattr("mien.consuming.REACH_S", 1.0)
        with pytest.raises(TransientError, match=r"No broker of 127\.0\.0\.1:9"):
            Consuming(live, StreamOptions("127.0.0.1:9", "events"))
        monkeypatch.undo()
        cluster.topic()
        with pytest.raises(UnknownName, match="event"):
            Consuming(live, cluster.options("event"))
        with pytest.raises(UsageError, match="refuses its configuration"):
            Consuming(live, StreamOptions("x", "events", config={"no.such.setting": "1"}))
    with pytest.raises(UsageError, match=r"enable\.auto\.commit"):
        StreamOptions("x", "events", config={"enable.auto.commit": "true"})
    assert read_config("# a\n\na.b = c=d\n") == {"a.b": "c=d"}
    with pytest.raises(UsageError, match="Line 2"):
        read_config("a=b\nc")
