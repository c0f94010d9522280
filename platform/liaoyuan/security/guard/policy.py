"""A policy made ready: the platform's checks, an industry's safety net and what the pack's scenario adds."""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from liaoyuan.security.keywords.bank import KeywordBank, sample_bank
from liaoyuan.security.normalise import plain
from liaoyuan.security.policies.schema import Action, Check, Message, Side, Topic, policy_get, policy_names

GAP = r"[^。！？!?\n]{0,16}?"
GAP_MARK = " * "


@dataclass(frozen=True)
class CompiledTopic:
    """A topic with its patterns; `answer` = whether an escalated question may still be answered."""

    name: str
    action: Action
    control: str
    sides: tuple[Side, ...]
    patterns: tuple[re.Pattern[str], ...]
    message: Message
    unless: re.Pattern[str] | None = None
    answer: bool = False

    def found(self, text: str) -> bool:
        """Whether the squeezed plain form `text` is about this topic."""
        if self.unless is not None and self.unless.search(text):
            return False
        return any(pattern.search(text) for pattern in self.patterns)


@dataclass(frozen=True)
class CompiledPolicy:
    """What `decide` runs. `version` names every part, so that a decision can be explained years later."""

    name: str
    version: str
    checks: tuple[Check, ...]
    topics: tuple[CompiledTopic, ...]
    keywords: KeywordBank

    def with_topics(self, more: Iterable[CompiledTopic], *, version: str) -> "CompiledPolicy":
        """The policy with a pack's topics; one of the same name adds its words and brings its own message."""
        topics = {topic.name: topic for topic in self.topics}
        for topic in more:
            known = topics.get(topic.name)
            patterns = (*known.patterns, *topic.patterns) if known else topic.patterns
            topics[topic.name] = replace(topic, patterns=patterns, unless=known.unless if known else topic.unless)
        return replace(self, topics=tuple(topics.values()), version=f"{self.version}+{version}")

    def without(self, dropped: Collection[tuple[str, str]]) -> "CompiledPolicy":
        """The policy without the (kind, side) pairs that a scenario switches off."""
        kept = []
        for check in self.checks:
            sides = tuple(side for side in check.sides if (check.kind, side) not in dropped)
            kept += [check.model_copy(update={"sides": sides})] if sides else []
        return replace(self, checks=tuple(kept))

    def for_side(self, side: Side) -> list[Check]:
        return [check for check in self.checks if side in check.sides]


def term_pattern(term: str) -> re.Pattern[str]:
    """A term as a pattern: parts within reach of each other; English only as whole words."""
    parts = [re.escape(plain(part.strip())) for part in term.split(GAP_MARK)]
    body = GAP.join(parts)
    if term.isascii():
        body = rf"(?<!\w){body}(?!\w)"
    return re.compile(body, re.IGNORECASE)


def topic_compile(topic: Topic) -> CompiledTopic:
    """A policy file's topic made ready."""
    unless = "|".join(re.escape(word) for word in topic.unless)
    return CompiledTopic(
        name=topic.name,
        action=topic.action,
        control=topic.control,
        sides=topic.sides,
        patterns=tuple(term_pattern(term) for term in topic.terms),
        message=topic.message,
        unless=re.compile(unless, re.IGNORECASE) if unless else None,
        answer=topic.answer,
    )


def policy_compile(industry: str = "", *, keywords: KeywordBank | None = None) -> CompiledPolicy:
    """The base policy and, where one ships, the industry's safety net; other industries have only their pack."""
    base = policy_get("base")
    bank = keywords or sample_bank()
    compiled = CompiledPolicy(base.name, f"base-{base.version}/words-{bank.version}", base.checks, (), bank)
    if industry not in policy_names() or industry == base.name:
        return compiled
    extra = policy_get(industry)
    topics = tuple(topic_compile(topic) for topic in extra.topics)
    return replace(
        compiled,
        name=industry,
        version=f"{compiled.version}/{industry}-{extra.version}",
        checks=(*compiled.checks, *extra.checks),
        topics=topics,
    )
