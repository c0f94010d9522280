"""Question sets of a collection, and what they measured."""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from liaoyuan.accounts.models import TenantModel


class SetKind(models.TextChoices):
    HAND = "hand", "手工编写"
    IMPORTED = "imported", "导入"
    SYNTHESISED = "synthesised", "由文档生成"


class SetState(models.TextChoices):
    DRAFT = "draft", "草稿"
    APPROVED = "approved", "已批准"
    RETIRED = "retired", "已停用"


class QuestionSet(TenantModel):
    """Questions by which one collection is measured.

    ``thresholds`` are [{metric, at_least | at_most, confident}]: an approved set that has some is a gate which every
    bundle over the collection must pass. ``confident`` holds the threshold against the interval's worse end.
    """

    collection = models.ForeignKey("knowledge.Collection", on_delete=models.CASCADE, related_name="question_sets")
    name = models.CharField(max_length=120)
    kind = models.CharField(max_length=12, choices=SetKind, default=SetKind.HAND)
    state = models.CharField(max_length=10, choices=SetState, default=SetState.DRAFT)
    thresholds = models.JSONField(default=list, blank=True)
    created_by = models.UUIDField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "collection", "name"], name="question_set_name_once")
        ]

    def __str__(self) -> str:
        return self.name


class QuestionState(models.TextChoices):
    PROPOSED = "proposed", "待审核"
    APPROVED = "approved", "已通过"
    REJECTED = "rejected", "已否决"


class QuestionSource(models.TextChoices):
    HAND = "hand", "手工"
    IMPORT = "import", "导入"
    LAB = "lab", "检索实验室"
    TRACE = "trace", "问答记录"
    FEEDBACK = "feedback", "用户反馈"
    RULES = "rules", "由文档结构生成"
    CHAT = "chat", "由模型生成"


class TestQuestion(TenantModel):
    """One question with what must be found and said. Only approved ones are asked.

    ``evidence`` items are "DOCUMENT#LOCATOR"; ``anchors`` are [{document_id, anchor, quote}], item by item the same
    places, which still hold when the collection is chunked anew. ``documents`` are the documents it rests on: who may
    not read one of them does not see the question. ``date`` asks what was in force on that day, None on the day of the
    evaluation. ``digest`` is of the question's folded text and its date: once a set.
    """

    __test__ = False  # its name looks like a test case to pytest

    question_set = models.ForeignKey(QuestionSet, on_delete=models.CASCADE, related_name="questions")
    number = models.PositiveIntegerField()
    question = models.TextField()
    evidence = ArrayField(models.CharField(max_length=400), default=list, blank=True)
    anchors = models.JSONField(default=list, blank=True)
    must_contain = ArrayField(models.TextField(), default=list, blank=True)
    answerable = models.BooleanField(default=True)
    type = models.CharField(max_length=20, blank=True)
    language = models.CharField(max_length=2)
    date = models.DateField(null=True, blank=True)
    state = models.CharField(max_length=10, choices=QuestionState, default=QuestionState.PROPOSED)
    source = models.CharField(max_length=10, choices=QuestionSource, default=QuestionSource.HAND)
    source_id = models.UUIDField(null=True, blank=True)
    external_id = models.CharField(max_length=80, blank=True)
    documents = ArrayField(models.UUIDField(), default=list, blank=True)
    author = models.UUIDField(null=True, blank=True)
    reviewer = models.UUIDField(null=True, blank=True)
    reviewed_at = models.DateTimeField(null=True, blank=True)
    note = models.CharField(max_length=300, blank=True)
    digest = models.CharField(max_length=64)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "question_set", "digest"], name="test_question_once")
        ]
        indexes = [
            models.Index(fields=["organization", "question_set", "state", "number"], name="test_question_review")
        ]

    def __str__(self) -> str:
        return self.question[:60]


class EvaluationRun(TenantModel):
    """One measurement of a collection by a question set, under one exact configuration.

    ``run_id`` is the durable run that carries it out; ``finished_at`` is None until every question was asked.
    ``metrics`` and ``intervals`` (95 %) are by the names of ``knowledge evaluate``.
    """

    collection = models.ForeignKey("knowledge.Collection", on_delete=models.CASCADE, related_name="evaluations")
    question_set = models.ForeignKey(QuestionSet, on_delete=models.CASCADE, related_name="evaluations")
    number = models.PositiveIntegerField()
    run_id = models.UUIDField(null=True, blank=True)
    index_id = models.UUIDField(null=True, blank=True)
    mode = models.CharField(max_length=12)
    configuration = models.JSONField(default=dict)
    count = models.PositiveIntegerField(default=0)
    metrics = models.JSONField(default=dict)
    intervals = models.JSONField(default=dict)
    created_by = models.UUIDField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "question_set", "number"], name="evaluation_number_once")
        ]
        indexes = [models.Index(fields=["organization", "collection", "-created_at"], name="evaluation_recent")]

    def __str__(self) -> str:
        return f"{self.question_set_id} #{self.number}"


class EvaluationRow(TenantModel):
    """What came of one question. ``versions`` are all that ``values`` quotes: who may not read one sees no row."""

    evaluation = models.ForeignKey(EvaluationRun, on_delete=models.CASCADE, related_name="rows")
    question_id = models.UUIDField()
    position = models.PositiveIntegerField()
    values = models.JSONField()
    versions = ArrayField(models.UUIDField(), default=list)
    documents = ArrayField(models.UUIDField(), default=list)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "evaluation", "question_id"], name="evaluation_row_once")
        ]

    def __str__(self) -> str:
        return str(self.question_id)
