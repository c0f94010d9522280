"""How much of a machine the embedded database takes: enough for its indexes, never so much that the models starve."""

import pytest

from liaoyuan.compute.engines.postgres import memory_settings

GIGABYTE = 1 << 30


@pytest.mark.parametrize(
    ("memory", "buffers", "cached"),
    [(2, "256MB", "1024MB"), (4, "256MB", "1024MB"), (24, "1536MB", "6144MB"), (256, "2048MB", "65536MB")],
)
def test_a_sixteenth_of_the_machine_is_for_pages_at_hand(memory: int, buffers: str, cached: str) -> None:
    assert memory_settings(memory * GIGABYTE) == {"shared_buffers": buffers, "effective_cache_size": cached}
