"""Addresses are computed from the var folder: nothing is started and nothing is written by reading them."""

import socket
from pathlib import Path

import pytest

from liaoyuan.compute.engines.addresses import (
    LONGEST_SOCKET_PATH,
    POSTGRES_SOCKET,
    engine_addresses,
    sockets_folder_make,
)
from liaoyuan.compute.engines.errors import UnsafeFolder


def test_reading_every_address_writes_nothing(tmp_path: Path) -> None:
    var = tmp_path / "var"
    addresses = engine_addresses(var)

    read = [addresses.redis_url, addresses.cache_url, addresses.broker_url, addresses.model_server_url]

    assert all(read)
    assert addresses.web_port == 8000
    assert not var.exists()


def test_the_same_folder_gives_the_same_addresses(tmp_path: Path) -> None:
    assert engine_addresses(tmp_path).model_server_url == engine_addresses(tmp_path).model_server_url
    assert engine_addresses(tmp_path).sockets == engine_addresses(tmp_path).sockets


def test_a_long_path_moves_the_sockets_below_the_kernel_limit(tmp_path: Path) -> None:
    var = tmp_path / ("深" * 30) / ("d" * 100)

    sockets = engine_addresses(var).sockets

    assert len(str(sockets / POSTGRES_SOCKET).encode()) <= LONGEST_SOCKET_PATH
    assert sockets.parent == Path("/tmp")


def test_a_socket_folder_open_to_others_is_refused(tmp_path: Path) -> None:
    addresses = engine_addresses(tmp_path)
    addresses.sockets.mkdir(parents=True)
    addresses.sockets.chmod(0o755)

    with pytest.raises(UnsafeFolder, match="open to others"):
        sockets_folder_make(addresses)


@pytest.mark.parametrize("role", ["liaoyuan_app", "liaoyuan_system", "liaoyuan_owner"])
def test_django_reaches_the_database_by_socket_and_role(tmp_path: Path, role: str) -> None:
    parts = engine_addresses(tmp_path).database(role)

    assert (parts["NAME"], parts["USER"]) == ("liaoyuan", role)
    assert parts["HOST"].startswith("/")


def test_the_superuser_is_no_role_of_the_platform(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="unknown database role"):
        engine_addresses(tmp_path).database("postgres")


def test_a_taken_port_is_left_and_the_new_one_kept(tmp_path: Path) -> None:
    addresses = engine_addresses(tmp_path)
    wanted = addresses.model_server_port_claim()
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", wanted))
        other.listen()

        moved = addresses.model_server_port_claim()

    assert moved != wanted
    assert engine_addresses(tmp_path).model_server_port == moved
