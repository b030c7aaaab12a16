"""Celery's transport for Redis, which drops what it cannot read.

kombu takes an entry off its list and then raises whatever reading it raises. That ends
the worker, and an entry among the unacknowledged ones ends every worker after it.
Only classes that kombu names as replaceable are replaced: `Transport.Channel` and
`Channel.QoS`.
"""

from typing import Any

from kombu.transport import redis as redis_transport
from kombu.transport.virtual import Empty
from redis.exceptions import (
    ConnectionError as RedisConnectionError,
    RedisError,
    ResponseError,
)

from levered_site import broker_messages

RedisQoS: Any = redis_transport.QoS
RedisChannel: Any = redis_transport.Channel
RedisTransport: Any = redis_transport.Transport
UNACKED_TYPES = {
    "unacked_key": "hash",
    "unacked_index_key": "zset",
    "unacked_mutex_key": "string",
}
BINDING_PARTS = 3  # routing key, pattern, queue


class CheckedQoS(RedisQoS):  # type: ignore[misc] # the stubs know a part of it
    """Drops unacknowledged messages that cannot be read, instead of restoring them."""

    def append(self, message: Any, delivery_tag: str) -> None:
        """Remember a message as unacknowledged."""
        try:
            super().append(message, delivery_tag)
        except ResponseError:
            if not self.channel.remove_keys_of_wrong_types():
                raise
            super().append(message, delivery_tag)

    def restore_by_tag(
        self,
        tag: Any,
        client: Any = None,
        leftmost: bool = False,  # noqa: FBT001, FBT002 - kombu's signature
    ) -> None:
        """Give a message back to its queue."""
        try:
            super().restore_by_tag(tag, client, leftmost)
        except (RedisError, OSError):
            raise
        except Exception:  # noqa: BLE001 - decoding JSON of kombu's raises anything
            broker_messages.record_dropped("unreadable", tag)
            self._remove_from_indices(tag).execute()


class CheckedChannel(RedisChannel):  # type: ignore[misc] # the stubs know a part of it
    """Reads queues whose entries may be anything."""

    QoS = CheckedQoS

    def basic_consume(self, *args: Any, **kwargs: Any) -> Any:
        """Start to read a queue."""
        consumer: Any = super().basic_consume(*args, **kwargs)
        self.remove_keys_of_wrong_types()
        return consumer

    def get_table(self, exchange: str) -> list[tuple[str, ...]]:
        """Return the bindings of an exchange, without those that are none."""
        rows = super().get_table(exchange)
        return [row for row in rows if len(row) == BINDING_PARTS]

    def remove_keys_of_wrong_types(self) -> bool:
        """Remove what others wrote in place of a queue; return whether there was any."""
        types = {getattr(self, name): kind for name, kind in UNACKED_TYPES.items()}
        for queue in self.active_queues:
            types |= {
                self._q_for_pri(queue, step): "list" for step in self.priority_steps
            }
        was_any = False
        with self.conn_or_acquire() as client:
            for key, kind in types.items():
                # kombu prefixes the keys of the commands that it uses itself.
                found = client.type(f"{self.global_keyprefix}{key}").decode()
                if found not in {kind, "none"}:
                    broker_messages.record_dropped("wrong_type", f"{key}: {found}")
                    client.delete(key)
                    was_any = True
        return was_any

    def _connparams(self, *args: Any, **kwargs: Any) -> Any:
        """Return how to connect. Raises ConnectionError once the transport is closed.

        kombu reads the attributes of None then, which ends the worker; after an error of
        the connection it connects again.
        """
        if self.connection.client is None:
            raise RedisConnectionError("The connection to the broker was closed.")
        return super()._connparams(*args, **kwargs)

    def _brpop_read(self, **options: Any) -> Any:
        """Read and deliver one entry. Raises Empty where there is none, or it is dropped."""
        self.connection.has_delivered = False
        try:
            return super()._brpop_read(**options)
        except (Empty, *self.connection_errors):
            raise
        except ResponseError:
            if not self.remove_keys_of_wrong_types():
                raise
        except Exception as error:
            if self.connection.has_delivered:
                raise  # whoever got the message raised it
            broker_messages.record_dropped("unreadable", error)
        raise Empty


class CheckedTransport(RedisTransport):  # type: ignore[misc] # the stubs know a part of it
    """Delivers envelopes of messages, and drops other JSON."""

    Channel = CheckedChannel
    has_delivered = False

    def _deliver(self, message: Any, queue: str | None) -> None:
        self.has_delivered = True
        if broker_messages.is_envelope(message):
            super()._deliver(message, queue)
        else:
            broker_messages.record_dropped("no_envelope", message)
