"""Packs, model servers, settings, audit and the support bundle."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from liaoyuan.console import services
from liaoyuan.console.audit import operator_record, operators_verify
from liaoyuan.console.door import OperatorRequest, back, console_page, language, show
from liaoyuan.console.ports import ports
from liaoyuan.console.selectors import chains, model_servers, software
from liaoyuan.console.selectors import packs as pack_selectors
from liaoyuan.console.support.bundle import CONTENTS, bundle_pieces
from liaoyuan.errors import NotFound
from liaoyuan.industry.selectors import industry_roots


@console_page()
def packs(request: OperatorRequest) -> HttpResponse:
    roots = industry_roots()
    return show(request, "console/packs.html", {"packs": pack_selectors.packs(), "target": roots[-1]})


@console_page("POST")
def pack_examine(request: OperatorRequest, name: str, verb: str) -> HttpResponse:
    if verb not in {"validate", "test"}:
        raise NotFound
    found = services.pack_examine(operator=request.user.id, name=name, with_questions=verb == "test")
    if found.ok:
        messages.success(request, _("The pack “{name}” is in order.").format(name=name))
    else:
        first = found.problems[0] if found.problems else None
        words = (first.zh if language() == "zh" else first.en) if first else _("a gate was not passed")
        messages.error(request, _("The pack “{name}” is not in order: {words}").format(name=name, words=words))
    return back(request, reverse("console_packs"))


@console_page()
def models(request: OperatorRequest) -> HttpResponse:
    context = {"server": model_servers.model_server(), "chat": model_servers.chat_endpoint()}
    return show(request, "console/models.html", context)


@console_page("POST")
def model_probe(request: OperatorRequest) -> HttpResponse:
    found = services.model_probe(operator=request.user.id)
    words = _("It answers: embedding {embed} ms, {speed} tokens a second.")
    messages.success(request, words.format(embed=found["embed_ms"], speed=found["tokens_per_second"]))
    return back(request, reverse("console_models"))


@console_page()
def settings_in_force(request: OperatorRequest) -> HttpResponse:
    context = {
        "settings": ports().settings(),
        "version": software.platform_version(),
        "python": software.python_version(),
        "packages": software.packages(),
    }
    return show(request, "console/settings.html", context)


@console_page()
def audit(request: OperatorRequest) -> HttpResponse:
    chain_page, found = chains.chains(request.GET.get("chains", 1))
    done_page, done = chains.operators_done(request.GET.get("page", 1))
    context = {"chain_page": chain_page, "chains": found, "done_page": done_page, "done": done}
    return show(request, "console/audit.html", context)


@console_page("POST")
def audit_verify(request: OperatorRequest, organization_id: UUID) -> HttpResponse:
    found = services.chain_check(operator=request.user.id, organization_id=organization_id)
    _tell_chain(request, ok=found["ok"], checked=found["checked"], first_bad=found["first_bad"])
    return back(request, reverse("console_audit"))


@console_page("POST")
def audit_verify_platform(request: OperatorRequest) -> HttpResponse:
    found = operators_verify()
    detail = {"ok": found.ok, "checked": found.checked, "first_bad": found.first_bad}
    operator_record(
        actor=request.user.id, action=chains.VERIFIED, object_kind="chain", object_id=chains.PLATFORM, detail=detail
    )
    _tell_chain(request, ok=found.ok, checked=found.checked, first_bad=found.first_bad)
    return back(request, reverse("console_audit"))


@console_page()
def support(request: OperatorRequest) -> HttpResponse:
    return show(request, "console/support.html", {"contents": CONTENTS})


@console_page("POST")
def support_bundle(request: OperatorRequest) -> HttpResponseBase:
    operator_record(actor=request.user.id, action="console.support_bundle")
    answer = StreamingHttpResponse(bundle_pieces(), content_type="application/zip")
    name = f"liaoyuan-support-{timezone.now():%Y%m%d-%H%M%S}.zip"
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    answer["X-Accel-Buffering"] = "no"
    return answer


def _tell_chain(request: OperatorRequest, *, ok: bool, checked: int, first_bad: int | None) -> None:
    if ok:
        messages.success(request, _("The chain is whole: {n} links checked.").format(n=checked))
    else:
        messages.error(
            request, _("The chain breaks at link {n}. Do not anchor it; compare with a backup.").format(n=first_bad)
        )
