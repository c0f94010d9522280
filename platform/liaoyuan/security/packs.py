"""The policy in force for a scenario: the platform's, the industry's safety net, and the signed pack's own words."""

import re
from functools import lru_cache
from pathlib import Path

from liaoyuan.industry.lexicon import LexiconEntry
from liaoyuan.industry.loader import pack_find
from liaoyuan.industry.pack import IndustryPack
from liaoyuan.industry.schemas import ScenarioSpec
from liaoyuan.industry.selectors import industry_get, industry_roots
from liaoyuan.security.guard.policy import CompiledPolicy, CompiledTopic, policy_compile
from liaoyuan.security.keywords.bank import Keyword
from liaoyuan.security.policies.schema import Action, Message

KEPT = 64


def policy_for(industry: str, scenario: str = "") -> CompiledPolicy:
    """The compiled policy of a scenario ("" = the industry's first).

    A pack is read and verified again when its manifest changes, not at every question. Raises IndustryError and
    ScenarioUnknown.
    """
    folder = pack_find(industry, industry_roots())
    return _policy(industry, scenario, _stamp(folder))


def _stamp(folder: Path) -> tuple[tuple[str, int, int], ...]:
    files = (folder / name for name in ("MANIFEST", "MANIFEST.sig", "industry.toml"))
    return tuple((file.name, file.stat().st_mtime_ns, file.stat().st_size) for file in files if file.exists())


@lru_cache(maxsize=KEPT)
def _policy(industry: str, scenario: str, stamp: tuple[tuple[str, int, int], ...]) -> CompiledPolicy:
    pack = industry_get(industry)
    return policy_of_pack(pack, pack.scenario(scenario or pack.spec.scenarios[0]))


def policy_of_pack(pack: IndustryPack, scenario: ScenarioSpec) -> CompiledPolicy:
    """The policy of a pack that was already read."""
    rules = scenario.guardrail
    bank = policy_compile(pack.name).keywords
    words = [word for file in rules.keyword_files for word in _keywords(pack.terms(file))]
    if words:
        bank = bank.extended(words, version=f"{pack.name}-{pack.spec.version}")
    policy = policy_compile(pack.name, keywords=bank)
    topics = [
        _topic(pack, item.name, "block", item.lexicon, item.message.zh, item.message.en) for item in rules.must_refuse
    ]
    topics += [
        _topic(pack, item.name, "escalate", item.lexicon, item.message.zh, item.message.en, answer=item.answer)
        for item in rules.escalations
    ]
    version = f"{pack.name}/{scenario.name}-{pack.spec.version}"
    return _without(policy, scenario).with_topics(topics, version=version)


def _without(policy: CompiledPolicy, scenario: ScenarioSpec) -> CompiledPolicy:
    rules = scenario.guardrail
    off = {("citation", "output"): not rules.must_cite, ("groundedness", "output"): not rules.must_ground}
    off["pii", "output"] = not rules.mask_pii_in_output
    return policy.without({key for key, dropped in off.items() if dropped})


def _topic(
    pack: IndustryPack, name: str, action: Action, lexicon: str, zh: str, en: str, *, answer: bool = False
) -> CompiledTopic:
    entries = [entry for entry in pack.terms(lexicon) if entry.kind == "keyword"]
    patterns: tuple[re.Pattern[str], ...] = tuple(entry.pattern for entry in entries)
    control = f"pack {pack.name}: {name}"
    return CompiledTopic(name, action, control, ("input",), patterns, Message(zh=zh, en=en), answer=answer)


def _keywords(entries: tuple[LexiconEntry, ...]) -> list[Keyword]:
    return [Keyword(entry.term, "pack", 2, "block", entry.language) for entry in entries if entry.kind == "keyword"]
