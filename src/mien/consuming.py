"""A stream feeds the log: records of Kafka become messages, and their offsets are committed once these are durable.

At least once in, exactly once kept: what is delivered again after a crash is known by source and message id. A record
that cannot be read is a dead letter and holds up nobody.
"""

import logging
import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mien.collect.stream import read_record
from mien.core.clock import to_us
from mien.core.errors import TransientError, UnknownName, UsageError
from mien.core.extras import require
from mien.core.ports import Progress, Silent
from mien.core.tracked import Refusal, Tracked
from mien.live import Fates, Live

log = logging.getLogger("mien.consume")

AT_ONCE = 1_000
"""Records of one append and one commit."""
WAIT_S = 0.2
"""How long to wait for a record; also how soon a request to stop is seen."""
REACH_S = 15.0
"""How long the brokers may take to tell their topics."""
RETRY_S = 1.0
"""Pause until messages that could not be kept are tried again."""
OURS = {"enable.auto.commit": False, "enable.auto.offset.store": False}
"""What of the client's configuration is not to be chosen: offsets follow the log."""


@dataclass(frozen=True, slots=True)
class StreamOptions:
    """Where the records are. `source`: what their messages are known by, beside their ids; `config`: of librdkafka.

    `until_end`: stop where the stream ends now, instead of waiting for more.
    """

    brokers: str
    topic: str
    group: str = "mien"
    source: str = "kafka"
    until_end: bool = False
    config: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in OURS:
            if name in self.config:
                raise UsageError(
                    "{name} is not to be set: offsets are committed once the messages are durable.", name=name
                )


class Consuming:
    """Feeds one shop from one topic. Raises `TransientError` for brokers that cannot be reached, `UnknownName` for a
    topic they do not have."""

    def __init__(self, live: Live, options: StreamOptions, *, progress: Progress | None = None) -> None:
        self.live, self.options = live, options
        self.progress = progress or Silent()
        self.fates: Fates = Counter()
        self._kafka = require("kafka", "confluent_kafka")
        self._client = self._connect()
        self._ended: set[int] = set()
        self._partitions = self._find()

    def _connect(self) -> Any:
        wanted = {
            "bootstrap.servers": self.options.brokers,
            "group.id": self.options.group,
            "auto.offset.reset": "earliest",
            "enable.partition.eof": self.options.until_end,
            **self.options.config,
            **OURS,
        }
        try:
            return self._kafka.Consumer(wanted, logger=log)
        except self._kafka.KafkaException as wrong:
            raise UsageError("The Kafka client refuses its configuration: {why}.", why=wrong.args[0].str()) from None

    def _find(self) -> int:
        """How many partitions the topic has."""
        try:
            topics = self._client.list_topics(timeout=REACH_S).topics
        except self._kafka.KafkaException as away:
            self._client.close()
            raise TransientError(
                "No broker of {brokers} answers ({why}). Try again when one does.",
                brokers=self.options.brokers,
                why=away.args[0].str(),
            ) from None
        if self.options.topic not in topics:
            self._client.close()
            raise UnknownName("topic", self.options.topic, topics)
        return len(topics[self.options.topic].partitions)

    def run(self, stop: threading.Event) -> Fates:
        """Consume until `stop` is set (or the end is reached); how many messages had which fate.

        What was taken from the stream is kept and committed before this returns, unless it cannot be kept.
        """
        advance = self.progress.step("consume", None)
        try:
            self._client.subscribe([self.options.topic])
            while not stop.is_set() and len(self._ended) < self._partitions:
                records = [one for one in self._client.consume(AT_ONCE, WAIT_S) if self._usable(one)]
                if not records:
                    continue
                if not self._keep(records, stop):
                    break
                self._commit(records)
                advance(len(records))
                self.progress.note(f"{self.behind():,} behind")
        finally:
            self._client.close()
        return self.fates

    def _usable(self, record: Any) -> bool:
        """Whether it is a record; what else the client tells is noted."""
        error = record.error()
        if error is None:
            self._ended.discard(record.partition())
            return True
        if error.code() == self._kafka.KafkaError._PARTITION_EOF:
            self._ended.add(record.partition())
        elif error.fatal():
            raise TransientError(
                "Kafka gave up: {error}. Start again; nothing that was kept is read twice.", error=error.str()
            )
        else:
            log.warning("Kafka: %s", error.str())
        return False

    def _messages(self, record: Any) -> list[Tracked | Refusal]:
        now_us = to_us(self.live.shop.clock())
        kind, written_ms = record.timestamp()
        known = kind != self._kafka.TIMESTAMP_NOT_AVAILABLE
        received_us = min(now_us, written_ms * 1_000) if known else now_us
        place = f"{record.topic()}/{record.partition()}/{record.offset()}"
        cleaner = self.live.shop.cleaner
        return read_record(record.value(), place, source=self.options.source, received_us=received_us, cleaner=cleaner)

    def _keep(self, records: list[Any], stop: threading.Event) -> bool:
        """Append until it is durable, however often it takes; False where that was given up to stop."""
        messages = [message for record in records for message in self._messages(record)]
        while True:
            try:
                self.fates += self.live.submit(messages, source=self.options.source).result()
                return True
            except TransientError as failed:
                log.warning("messages wait to be kept: %s", failed)
                if stop.wait(RETRY_S):
                    return False

    def _commit(self, records: list[Any]) -> None:
        """Commit what is durable now. Where another has taken the partition over it reads some again, in vain."""
        after: dict[int, int] = {record.partition(): record.offset() + 1 for record in records}
        places = [self._kafka.TopicPartition(self.options.topic, *place) for place in after.items()]
        try:
            self._client.commit(offsets=places, asynchronous=False)
        except self._kafka.KafkaException as refused:
            log.warning("offsets were not committed (%s); these records may come again", refused.args[0].str())

    def behind(self) -> int:
        """Records of our partitions that were not read yet, as far as the brokers have told."""
        left = 0
        for place in self._client.position(self._client.assignment()):
            _, end = self._client.get_watermark_offsets(place, cached=True)
            left += max(0, end - place.offset) if place.offset >= 0 else 0
        return left


def read_config(text: str) -> dict[str, str]:
    """Lines `name=value` as librdkafka names them; blank ones and those after `#` say nothing."""
    found = {}
    for number, line in enumerate(text.splitlines(), start=1):
        name, equals, value = (part.strip() for part in line.partition("="))
        if name and not name.startswith("#"):
            if not equals:
                raise UsageError(
                    "Line {number} of the Kafka configuration is no name=value: {name}", number=number, name=name
                )
            found[name] = value
    return found
