"""A broker that is gone when a message is to be acknowledged: the worker still asks it for the next one."""

from collections.abc import Iterator
from pathlib import Path
from queue import Empty

import pytest
from kombu import Connection, Consumer, Queue
from kombu.transport import redis

from liaoyuan.compute.engines import valkey
from liaoyuan.compute.engines.addresses import EngineAddresses, engine_addresses
from workers.acks import Held
from workers.app import app

pytestmark = pytest.mark.chaos


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[EngineAddresses]:
    found = engine_addresses(tmp_path)
    valkey.start(found)
    yield found
    valkey.stop(found)


def test_a_message_whose_acknowledgement_failed_is_not_held_for_ever(broker: EngineAddresses) -> None:
    assert app.main and redis.Channel.QoS is Held, "the workers' application installs it"
    with Connection(broker.broker_url) as connection:
        channel, taken = connection.channel(), []
        queue = Queue("light", channel=channel)
        queue.declare()
        for number in range(3):
            connection.Producer(channel).publish({"n": number}, routing_key="light")
        channel.basic_qos(0, 2, False)
        with Consumer(channel, [queue], on_message=taken.append, accept=["json"]):
            for _ in range(2):
                connection.drain_events(timeout=5)
            assert not channel.qos.can_consume()
            valkey.stop(broker)
            for message in taken:
                with pytest.raises(connection.connection_errors):
                    message.ack()
            assert channel.qos.can_consume()
            # What tells Celery that its connection is gone is the next question to the broker: now there is one.
            with pytest.raises(connection.connection_errors):
                connection.drain_events(timeout=5)


def test_the_broker_gives_again_what_was_taken_and_never_acknowledged(broker: EngineAddresses) -> None:
    with Connection(broker.broker_url) as connection:
        channel = connection.channel()
        queue = Queue("light", channel=channel)
        queue.declare()
        connection.Producer(channel).publish({"n": 1}, routing_key="light")
        message = queue.get()
        assert message is not None
        valkey.stop(broker)
        with pytest.raises(connection.connection_errors):
            message.ack()
    valkey.start(broker)
    with Connection(broker.broker_url, transport_options={"visibility_timeout": 0}) as connection:
        channel = connection.channel()
        channel.qos.restore_visible(interval=1)
        again = Queue("light", channel=channel).get()
        assert again is not None and again.payload == {"n": 1}
        again.ack()
        channel.qos.restore_visible(interval=1)
        with pytest.raises(Empty):
            channel._get("light")
