"""Embedded engines: PostgreSQL, Valkey and the model server as supervised processes of one var folder.

Nothing here imports Django's settings, because the settings themselves ask :mod:`addresses` where the engines live.
"""
