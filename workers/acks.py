"""A message that could not be acknowledged no longer counts as one that this worker holds.

kombu's Redis transport keeps a message among the delivered ones when its acknowledgement fails. A broker that goes
away just then leaves the worker with its prefetch full of messages that nobody will acknowledge: it never asks the
broker for another one, so it does not even notice that its connection is gone, and sits there for good. What is
forgotten here lies in the broker's own list of unacknowledged messages and comes again; a doorbell may ring twice.
"""

from typing import Any

from kombu.transport import redis, virtual


class Held(redis.QoS):
    """The delivered messages of one channel."""

    def ack(self, delivery_tag: str) -> None:
        """Acknowledge, or forget and raise what the broker's client raised."""
        try:
            super().ack(delivery_tag)
        except Exception:
            virtual.QoS.ack(self, delivery_tag)
            raise


def install(channel: Any = redis.Channel) -> None:
    """For every channel of this process, with or without TLS or Sentinel."""
    channel.QoS = Held
