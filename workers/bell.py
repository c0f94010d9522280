"""The broker as the relay sees it: ring one doorbell, count those that lie there. Fails fast while it is down."""

from types import TracebackType
from typing import Any, Final, Self

from kombu.exceptions import ChannelError

from liaoyuan.broker import BrokerDown, client
from liaoyuan.broker import ring as publish

# One try and short waits: the relay comes back anyway, and until then the outbox holds everything.
FAST_FAILURE: Final = {
    "max_retries": 1,
    "interval_start": 0,
    "interval_step": 0,
    "interval_max": 0,
    "socket_connect_timeout": 2,
    "socket_timeout": 5,
}


class Bell:
    """One connection of its own to the broker; after BrokerDown it is thrown away and a new Bell is made.

    Celery's pools are not used: a broker that restarts leaves half-open connections in them.
    """

    def __init__(self) -> None:
        self._connection: Any = client.connection_for_write(transport_options=dict(FAST_FAILURE))
        self._producer: Any = None

    def __enter__(self) -> Self:
        try:
            self._connection.ensure_connection(max_retries=1, interval_start=0, timeout=2)
            self._producer = client.amqp.Producer(self._connection, auto_declare=False)
        except self._connection.connection_errors as error:
            raise BrokerDown(str(error)) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.release()

    def ring(self, run_id: str, queue: str) -> None:
        """Publish one doorbell. Raises BrokerDown."""
        publish(run_id=run_id, queue=queue, producer=self._producer)

    def depth(self, queue: str) -> int:
        """Messages that lie in ``queue``; 0 for one that the broker does not know (any more). Raises BrokerDown."""
        try:
            return int(self._connection.default_channel.queue_declare(queue, passive=True).message_count)
        except ChannelError:
            return 0
        except self._connection.connection_errors as error:
            raise BrokerDown(str(error)) from error
