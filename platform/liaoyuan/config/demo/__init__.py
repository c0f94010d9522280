"""``make demo``: the whole way once, over the same services that portal and API use."""
