"""The broker as the relay sees it: ring one doorbell, count those that lie there. Fails fast while it is down."""

from kombu.exceptions import ChannelError, OperationalError

from liaoyuan.broker import client
from liaoyuan.broker import ring as publish

# One try and short waits: the relay comes back anyway, and until then the outbox holds everything.
FAST_FAILURE = {
    "max_retries": 1,
    "interval_start": 0,
    "interval_step": 0,
    "interval_max": 0,
    "socket_connect_timeout": 2,
    "socket_timeout": 5,
}
BrokerDown = OperationalError


def fail_fast() -> None:
    """For the relay's own process: no publishing call may hang on a dead broker."""
    client.conf.broker_transport_options = {**client.conf.broker_transport_options, **FAST_FAILURE}


def ring(run_id: str, queue: str) -> None:
    """Publish one doorbell. Raises BrokerDown."""
    publish(run_id=run_id, queue=queue)


def depth(queue: str) -> int:
    """Messages that lie in ``queue``; 0 for a queue that the broker does not know (any more). Raises BrokerDown."""
    with client.connection_for_write() as connection:
        try:
            # Without this call the first use of a channel would retry for ever.
            connection.ensure_connection(max_retries=1, interval_start=0, timeout=2)
            return int(connection.default_channel.queue_declare(queue, passive=True).message_count)
        except ChannelError:
            return 0


def forget_connections() -> None:
    """After a failure: connections that the broker's restart left half open are not used again."""
    client.pool.force_close_all(close_pool=False)
