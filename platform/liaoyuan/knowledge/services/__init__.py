"""What changes the knowledge layer. Except ``collection_create``, these open tenant contexts of their own, one per
step."""

from liaoyuan.knowledge.services.collecting import collection_create
from liaoyuan.knowledge.services.erasing import ErasureReceipt, document_erase
from liaoyuan.knowledge.services.importing import FileOutcome, documents_import
from liaoyuan.knowledge.services.indexing import document_index
from liaoyuan.knowledge.services.receiving import document_receive

__all__ = [
    "ErasureReceipt",
    "FileOutcome",
    "collection_create",
    "document_erase",
    "document_index",
    "document_receive",
    "documents_import",
]
