"""Frames between the parent and a child: a length, a JSON header, raw bytes; the file travels as a descriptor."""

import json
import socket
import struct
from typing import Any

_LENGTHS = struct.Struct(">IQ")
LARGEST_HEADER = 1 << 30
LARGEST_BLOB = 1 << 30


class Closed(Exception):
    """The other side is gone."""


def send(channel: socket.socket, header: dict[str, Any], blob: bytes = b"", *, descriptor: int | None = None) -> None:
    """Sends one frame; ``descriptor`` is duplicated into the receiver."""
    body = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    lengths = _LENGTHS.pack(len(body), len(blob))
    try:
        if descriptor is None:
            channel.sendall(lengths)
        else:
            socket.send_fds(channel, [lengths], [descriptor])
        channel.sendall(body)
        channel.sendall(blob)
    except (BrokenPipeError, ConnectionResetError) as error:
        raise Closed from error


def receive(channel: socket.socket) -> tuple[dict[str, Any], bytes, int | None]:
    """Receives one frame: header, bytes, descriptor or None. Raises Closed at the end, TimeoutError when late."""
    descriptors: list[int] = []
    try:
        lengths, descriptors, _, _ = socket.recv_fds(channel, _LENGTHS.size, 1)
        lengths += _exactly(channel, _LENGTHS.size - len(lengths)) if lengths else b""
    except ConnectionResetError as error:
        raise Closed from error
    if not lengths:
        raise Closed
    header_length, blob_length = _LENGTHS.unpack(lengths)
    if header_length > LARGEST_HEADER or blob_length > LARGEST_BLOB:
        raise Closed
    header = json.loads(_exactly(channel, header_length))
    return header, _exactly(channel, blob_length), descriptors[0] if descriptors else None


def _exactly(channel: socket.socket, length: int) -> bytes:
    parts = bytearray()
    while len(parts) < length:
        try:
            part = channel.recv(min(length - len(parts), 1 << 20))
        except ConnectionResetError as error:
            raise Closed from error
        if not part:
            raise Closed
        parts += part
    return bytes(parts)
