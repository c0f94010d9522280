"""The model server: one process on the loopback that holds the base model, its adapters and the embedding model.

Started as ``python -m liaoyuan.deployment.serving``; knows nothing of Django, tenants or the database.
"""
