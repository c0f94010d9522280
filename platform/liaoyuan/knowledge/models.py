"""Collections of documents in versions, and the chunks by which they are found."""

from datetime import date

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.db.models import Q
from pgvector.django import HalfVectorField

from liaoyuan.accounts.models import Organization, TenantModel

DIMENSIONS = 384
EMBEDDER = "multilingual-e5-small"
SUPPORTED_DIMENSIONS = (384, 512, 768, 1024)


class Collection(TenantModel):
    """A named set of documents that is searched as one."""

    name = models.CharField(max_length=120)
    created_by = models.UUIDField(null=True, blank=True)
    settings = models.JSONField(default=dict, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "name"], name="collection_name_once")]

    def __str__(self) -> str:
        return self.name


class Document(TenantModel):
    """What a person calls one document. Its content lives in versions."""

    collection = models.ForeignKey(Collection, on_delete=models.CASCADE, related_name="documents")
    name = models.CharField(max_length=255)
    erased_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "collection", "name"], name="document_name_once")
        ]

    def __str__(self) -> str:
        return self.name


class VersionState(models.TextChoices):
    RECEIVED = "received", "正在读取"
    DRAFT = "draft", "草稿"
    IN_FORCE = "in_force", "现行"
    SUPERSEDED = "superseded", "已被取代"
    WITHDRAWN = "withdrawn", "已撤回"
    REJECTED = "rejected", "未能读取"


# Versions that a search may find, each in its days; the days decide, the state only tells how they came to be.
PUBLISHED = (VersionState.IN_FORCE, VersionState.SUPERSEDED, VersionState.WITHDRAWN)


class DocumentVersion(TenantModel):
    """One immutable content of a document, under the same id as its artifact of kind ``document_version``.

    State: received (being read) → in_force → superseded by a version that takes effect later, or withdrawn by a
    person; received → draft where ``hold`` is set: indexed, but found by nobody until a person puts it in force;
    received → rejected.
    ``effective_from`` and ``effective_to`` are the half-open days of its validity, open where None: what counts in
    a search is
    these days, so that a version which takes effect tomorrow does so by itself. An empty ``groups`` means everybody.
    ``parser`` and ``chunker`` are the rules that it was read and cut by (``knowledge/rules.py``; 0: before they were
    counted).
    """

    document = models.ForeignKey(Document, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    file_name = models.CharField(max_length=255)
    title = models.CharField(max_length=300, blank=True)
    sha256 = models.CharField(max_length=64)
    size = models.BigIntegerField()
    media_type = models.CharField(max_length=120, blank=True)
    source_key = models.CharField(max_length=500)
    blocks_key = models.CharField(max_length=500, blank=True)
    state = models.CharField(max_length=12, choices=VersionState, default=VersionState.RECEIVED)
    hold = models.BooleanField(default=False)
    effective_from = models.DateField(null=True, blank=True)
    effective_to = models.DateField(null=True, blank=True)
    groups = ArrayField(models.CharField(max_length=64), default=list, blank=True)
    flags = ArrayField(models.CharField(max_length=40), default=list, blank=True)
    pages = models.PositiveIntegerField(default=0)
    blocks = models.PositiveIntegerField(default=0)
    chunk_count = models.PositiveIntegerField(default=0)
    parser = models.PositiveSmallIntegerField(default=0, db_default=0)
    chunker = models.PositiveSmallIntegerField(default=0, db_default=0)
    error = models.JSONField(default=dict, blank=True)
    indexed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "document", "number"], name="document_version_number_once")
        ]
        indexes = [models.Index(fields=["organization", "sha256"], name="document_version_content")]

    def __str__(self) -> str:
        return f"{self.file_name}@{self.number}"

    @property
    def label(self) -> str:
        """What a reader calls this version: its effective date, or its number."""
        return self.effective_from.isoformat() if self.effective_from else str(self.number)

    @property
    def days(self) -> tuple[date | None, date | None]:
        """The half-open days in which its chunks are found: none at all for one that is not published."""
        if self.state in PUBLISHED:
            return self.effective_from, self.effective_to
        return self.effective_from, date.min


class IndexState(models.TextChoices):
    BUILDING = "building", "构建中"
    READY = "ready", "待切换"
    LIVE = "live", "使用中"
    RETIRED = "retired", "已退役"
    FAILED = "failed", "构建失败"


class SearchIndex(TenantModel):
    """One generation of a collection's index: its chunks, embedded by one model after one set of chunking settings.

    State: building → ready → live → retired, or building → failed. A collection's first index is live from the start.
    A search reads exactly one generation, the live one unless a caller names another, so that a new one can be
    built and scored beside it. ``graph_rows`` chunks are in its HNSW graph (0: it has none); a trigger makes and
    indexes the graph's table as ``graph_step`` says. ``graph_audiences`` have graphs of their own over their rows.
    """

    collection = models.ForeignKey(Collection, on_delete=models.CASCADE, related_name="indexes")
    number = models.PositiveIntegerField()
    state = models.CharField(max_length=12, choices=IndexState, default=IndexState.BUILDING)
    embedder = models.CharField(max_length=120, default=EMBEDDER)
    dimensions = models.PositiveIntegerField(default=DIMENSIONS)
    settings = models.JSONField(default=dict, blank=True)
    chunk_count = models.PositiveIntegerField(default=0)
    scores = models.JSONField(default=dict, blank=True)
    run_id = models.UUIDField(null=True, blank=True)
    created_by = models.UUIDField(null=True, blank=True)
    live_at = models.DateTimeField(null=True, blank=True)
    error = models.JSONField(default=dict, blank=True)
    graph_rows = models.PositiveIntegerField(default=0, db_default=0)
    graph_step = models.CharField(max_length=8, blank=True, default="")
    graph_audiences = ArrayField(models.BigIntegerField(), default=list, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "collection", "number"], name="search_index_number_once"),
            models.UniqueConstraint(
                fields=["organization", "collection"], condition=Q(state=IndexState.LIVE), name="search_index_one_live"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.collection_id}#{self.number}"


class ChunkOrigin(models.TextChoices):
    PARSED = "parsed", "解析所得"
    EDITED = "edited", "人工修改"
    ADDED = "added", "人工添加"


class Chunk(TenantModel):
    """What is embedded, found and cited, in one generation of the index. A disabled chunk is never found.

    ``spans`` are [start, end, block, block_start]: characters of ``text`` and where they come from in the version's
    blocks. Rights and
    validity are copied here from the version, so that the search filters in the same scan that measures distance.
    """

    # Each has a composite foreign key with the organization, which says all that a plain one would: a row is checked
    # three times and not seven. The indexes over several columns below begin with the organization.
    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="+", db_constraint=False, db_index=False
    )
    collection = models.ForeignKey(Collection, on_delete=models.CASCADE, related_name="+", db_constraint=False)
    index = models.ForeignKey(
        SearchIndex, on_delete=models.CASCADE, related_name="chunks", db_constraint=False, db_index=False
    )
    version = models.ForeignKey(
        DocumentVersion, on_delete=models.CASCADE, related_name="chunks", db_constraint=False, db_index=False
    )
    ordinal = models.PositiveIntegerField()
    # Pieces of one parsed chunk share its ordinal: a split must not move the whole document through the index.
    sub_ordinal = models.PositiveSmallIntegerField(default=0)
    patch_id = models.UUIDField(null=True, blank=True)
    kind = models.CharField(max_length=12)
    title = models.CharField(max_length=300)
    heading_path = ArrayField(models.TextField(), default=list)
    locator = models.CharField(max_length=120, blank=True)
    text = models.TextField()
    page = models.PositiveIntegerField(null=True, blank=True)
    box = ArrayField(models.FloatField(), null=True, blank=True)
    spans = models.JSONField(default=list)
    term_count = models.PositiveIntegerField()
    terms = SearchVectorField()
    embedding = HalfVectorField()
    enabled = models.BooleanField(default=True)
    origin = models.CharField(max_length=12, choices=ChunkOrigin, default=ChunkOrigin.PARSED)
    anchor = models.CharField(max_length=64, blank=True)
    groups = ArrayField(models.CharField(max_length=64), default=list)
    effective_from = models.DateField(null=True, blank=True)
    effective_to = models.DateField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "index", "version", "ordinal", "sub_ordinal"], name="chunk_place_once_an_index"
            )
        ]
        indexes = [
            models.Index(fields=["organization", "index", "effective_to"], name="chunk_scope"),
            models.Index(fields=["organization", "version", "anchor"], name="chunk_anchor"),
        ]

    def __str__(self) -> str:
        return f"{self.title} {self.locator}"


class SearchAudience(TenantModel):
    """Rights and days that entries of one generation share: what an asker may read is a handful of these.

    Triggers add them (``migrations/search_audiences.sql``), each with a number (``seat``) that ties the entries to it;
    nothing here writes them. Two rows may say the same.
    """

    index = models.ForeignKey(SearchIndex, on_delete=models.CASCADE, related_name="+")
    groups = ArrayField(models.CharField(max_length=64), default=list)
    effective_from = models.DateField(null=True)
    effective_to = models.DateField(null=True)

    def __str__(self) -> str:
        return f"{self.index_id} {self.groups}"


class SearchEntry(TenantModel):
    """The enabled chunks of one version in one generation that share an audience.

    Triggers on the chunks keep it, with a number (``seat``) that ties their vectors and words to it, and that of its
    audience (``migrations/search_storage.sql``, ``merged_postings.sql``); nothing here writes it. ``term_count`` is the
    sum over the chunks; ``graphed`` says that its vectors are in the generation's graph, ``merged`` that its words are
    in the lists beside it.
    """

    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="+", db_constraint=False, db_index=False
    )
    index = models.ForeignKey(SearchIndex, on_delete=models.CASCADE, related_name="+", db_constraint=False)
    version = models.ForeignKey(DocumentVersion, on_delete=models.CASCADE, related_name="+", db_constraint=False)
    chunk_count = models.PositiveIntegerField()
    term_count = models.PositiveBigIntegerField()
    graphed = models.BooleanField(default=False, db_default=False)
    merged = models.BooleanField(default=False, db_default=False)

    def __str__(self) -> str:
        return f"{self.index_id} {self.version_id}"


class Upload(TenantModel):
    """One file on its way in, sent in parts; what arrived stays, so that a broken connection loses nothing.

    ``batch`` is whatever the person uploads for (a draft, one visit to a collection); ``name`` is a clean relative
    path; ``modified`` (milliseconds) tells the same file from a later one of the same name. The bytes lie outside of
    storage until ``import_run`` takes them.
    """

    batch = models.UUIDField()
    user_id = models.UUIDField()
    name = models.CharField(max_length=255)
    size = models.BigIntegerField()
    modified = models.BigIntegerField(default=0)
    received = models.BigIntegerField(default=0)
    import_run = models.UUIDField(null=True, blank=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "batch", "user_id", "name"],
                condition=models.Q(import_run__isnull=True),
                name="upload_name_once",
            )
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.received}/{self.size}"

    @property
    def complete(self) -> bool:
        return self.received == self.size


from liaoyuan.knowledge.edits import models as edit_tables  # noqa: E402, F401 - they use the tables above
from liaoyuan.knowledge.questions import models as question_tables  # noqa: E402, F401 - they use the tables above
from liaoyuan.knowledge.shadow import models as shadow_tables  # noqa: E402, F401
from liaoyuan.knowledge.sources import models as source_tables  # noqa: E402, F401 - likewise
from liaoyuan.knowledge.waiting import models as waiting_tables  # noqa: E402, F401
