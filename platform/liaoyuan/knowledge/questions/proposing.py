"""Making questions from a collection's own documents, as a durable job whose result a person reviews."""

import json
from collections import Counter
from collections.abc import Sequence
from typing import Final
from uuid import UUID

from django.conf import settings

from liaoyuan.accounts.services import audit_record
from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.errors import InvalidInput
from liaoyuan.knowledge.adapters.chat import chat_model
from liaoyuan.knowledge.adapters.embeddings import Embedder
from liaoyuan.knowledge.evaluate import embedder_of
from liaoyuan.knowledge.questions.errors import NothingToSynthesise
from liaoyuan.knowledge.questions.models import QuestionSet, QuestionSource, QuestionState, SetKind, TestQuestion
from liaoyuan.knowledge.questions.reading import QuestionDraft
from liaoyuan.knowledge.questions.selectors import set_get
from liaoyuan.knowledge.questions.services import NewQuestion, questions_write, set_named
from liaoyuan.knowledge.questions.synthesis import absent, chatting, rules
from liaoyuan.knowledge.questions.synthesis.passages import Passage, Proposal, passages_of
from liaoyuan.knowledge.questions.synthesis.picking import pick
from liaoyuan.knowledge.questions.synthesis.quality import told
from liaoyuan.knowledge.retrieve import retrieve
from liaoyuan.knowledge.selectors import versions_in_force
from liaoyuan.knowledge.text.normalise import is_chinese
from liaoyuan.pipeline.contract import Artifacts, RunCancelled, StageContext, StageName
from liaoyuan.pipeline.models import StageRun
from liaoyuan.pipeline.services import stage_run_start

SYNTHESISE: Final = "synthesise"
FEWEST, MOST, USUAL = 5, 500, 40
# Statutes of thousands of articles are sampled evenly: enough to choose from, and an end in sight.
_MOST_PASSAGES: Final = 4000
_CHAT_SHARE: Final = 0.5
# An unanswerable question is checked against so many passages that its search finds.
_SEARCHED: Final = 10


def synthesis_start(
    *,
    collection_id: UUID,
    set_id: UUID | None = None,
    set_name: str = "",
    target: int = USUAL,
    use_chat: bool | None = None,
    idempotency_key: str = "",
) -> StageRun:
    """Make up to ``target`` questions for review. Raises NotFound, InvalidInput, NothingToSynthesise.

    ``use_chat`` None: where the operator configured a chat endpoint it writes half of them; else rules write all.
    """
    if not FEWEST <= target <= MOST:
        raise InvalidInput(detail=f"target: {FEWEST}..{MOST}")
    home = _home(collection_id, set_id, set_name)
    if not versions_in_force(collection_id).exists():
        raise NothingToSynthesise(name=home.collection.name)
    run = stage_run_start(
        stage=StageName.EVALUATE,
        spec={
            "task": SYNTHESISE,
            "collection_id": str(collection_id),
            "collection": home.collection.name,
            "set": str(home.id),
            "name": home.name,
            "target": target,
            "chat": bool(settings.CHAT_URL) if use_chat is None else use_chat,
        },
        idempotency_key=idempotency_key,
    )
    audit_record(
        action="question_set.synthesise", object_kind="question_set", object_id=home.id, detail={"target": target}
    )
    return run


def _home(collection_id: UUID, set_id: UUID | None, set_name: str) -> QuestionSet:
    if set_id is not None:
        return set_get(set_id, collection_id)
    return set_named(collection_id=collection_id, name=set_name or "由文档生成", kind=SetKind.SYNTHESISED)


def questions_carry_out(context: StageContext) -> Artifacts:
    """Propose, pick, and put into the review queue in one transaction. Raises RunCancelled."""
    organization, person = context.solution.organization_id, context.solution.requested_by
    collection_id, target = UUID(str(context.spec["collection_id"])), int(context.spec["target"])
    with tenant_context(organization, person):
        passages, proposals = proposals_by_rules(collection_id)
        taken = list(
            TestQuestion.objects.filter(question_set__collection_id=collection_id).values_list("question", flat=True)
        )
        engine = embedder_of(collection_id, None)
    context.progress(0.2, f"已读取 {len(passages)} 个分块", f"{len(passages)} passages read")
    proposals += _by_chat(context, passages, target) if context.spec.get("chat") else []
    if context.cancelled():
        raise RunCancelled
    context.progress(0.6, f"正在从 {len(proposals)} 个候选中挑选", f"Picking from {len(proposals)} candidates")
    with tenant_context(organization, person):
        picked = pick(
            [*proposals, *absent.propose(passages)],
            target=target,
            taken=taken,
            engine=engine,
            answered=lambda proposal: absent.answered_by(proposal, _found(collection_id, proposal, engine)),
        )
        if context.cancelled():
            raise RunCancelled
        home = set_get(UUID(str(context.spec["set"])), collection_id)
        questions_write(home, [_kept(proposal) for proposal in picked.chosen])
    types = Counter(proposal.type for proposal in picked.chosen)
    why_zh, why_en = told(picked.left_out)
    return Artifacts(
        result={
            "set": str(home.id),
            "proposed": len(picked.chosen),
            "candidates": len(proposals),
            "left_out": picked.left_out,
            "types": dict(types),
            "documents": len({proposal.passage.document_id for proposal in picked.chosen}),
        },
        summary_zh=f"生成 {len(picked.chosen)} 个问题，等待审核" + (f"。未采用：{why_zh}" if why_zh else ""),
        summary_en=f"{len(picked.chosen)} questions made, to be reviewed" + (f". Left out: {why_en}" if why_en else ""),
    )


def proposals_by_rules(collection_id: UUID) -> tuple[list[Passage], list[Proposal]]:
    """The passages in force, evenly sampled, and what the rules ask about them."""
    passages = _sampled(list(passages_of(collection_id)))
    return passages, [proposal for passage in passages for proposal in rules.propose(passage)]


def _found(collection_id: UUID, proposal: Proposal, engine: Embedder) -> list[str]:
    """What the collection's own search finds for the question of a proposal."""
    found = retrieve(collection_id, proposal.question, engine=engine)
    return [item.candidate.text for item in found.ranked[:_SEARCHED]]


def _sampled(passages: Sequence[Passage]) -> list[Passage]:
    step = max(1, -(-len(passages) // _MOST_PASSAGES))
    return list(passages[::step])


def _by_chat(context: StageContext, passages: Sequence[Passage], target: int) -> list[Proposal]:
    """Questions of the chat model, kept in the run's folder as they come: a resumed run does not ask again."""
    wanted = max(1, round(target * _CHAT_SHARE))
    step = max(1, len(passages) // wanted)
    asked = passages[::step][:wanted]
    by_id = {str(passage.chunk_id): passage for passage in asked}
    path = context.checkpoint_dir / "chat.jsonl"
    lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.is_file() else []
    done = {line["chunk"] for line in lines}
    chat = chat_model()
    for number, passage in enumerate(asked, start=1):
        if context.cancelled():
            raise RunCancelled
        if str(passage.chunk_id) in done:
            continue
        line = {
            "chunk": str(passage.chunk_id),
            "found": [[p.question, p.literals] for p in chatting.propose([passage], chat)],
        }
        lines.append(line)
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
        context.progress(
            0.2 + 0.4 * number / wanted, f"模型出题 {number}/{wanted}", f"The model writes {number}/{wanted}"
        )
    return [
        Proposal(by_id[line["chunk"]], question, tuple(literals), "fact", by="chat", weight=1.6)
        for line in lines
        if line["chunk"] in by_id
        for question, literals in line["found"]
    ]


def _kept(proposal: Proposal) -> NewQuestion:
    """A proposal as it waits for review. An unanswerable one points at no place, yet keeps its document's rights."""
    passage = proposal.passage
    draft = QuestionDraft(
        question=proposal.question,
        evidence=(passage.place,) if proposal.answerable else (),
        must_contain=proposal.literals,
        answerable=proposal.answerable,
        type=proposal.type,
        language="zh" if is_chinese(proposal.question) else "en",
    )
    anchor = {**passage.anchor, "quote": proposal.quote or passage.anchor.get("quote", "")}
    source = QuestionSource.CHAT if proposal.by == "chat" else QuestionSource.RULES
    return NewQuestion(
        draft,
        [anchor] if proposal.answerable else [],
        state=QuestionState.PROPOSED,
        source=source,
        source_id=passage.chunk_id,
        rests_on=(passage.document_id,),
    )
