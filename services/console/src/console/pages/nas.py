"""Network › NAS: the access servers, added, changed and tested."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, redirect, render_template, url_for
from werkzeug.wrappers import Response

from console.api_client import Refused
from console.asking import Field, Page, Question, ask, change, shown
from console.context import apis, may, tell
from console.failures import warn
from console.formatting import choices
from console.listing import Action, Column, Item, read

pages = Blueprint("nas", __name__, url_prefix="/network/nas")
VENDORS = ("accel-ppp", "cisco", "generic", "huawei", "juniper", "mikrotik", "nokia")
STRATEGIES = ("coa_then_disconnect", "disconnect_only", "coa_only")


def form_of(item: Item) -> str:
    """Where to change it; empty for who may not."""
    return url_for("nas.edit", nas_id=item["id"]) if may("nas.write") else ""


def faults_of(item: Item) -> str:
    """What the NAS cannot do as it is registered, and what mends it."""
    faults = [each["detail"] for each in item.get("warnings") or ()]
    if error := item.get("sessions_error"):
        faults.append(f"Its list of sessions does not come: {error}")
    return " ".join(faults)


NAS = (
    Column("Name", "name", sort="name", link=form_of),
    Column("Address", "address", "code"),
    Column("Vendor", "vendor"),
    Column("CoA port", "coa_port"),
    Column("Strategy", "strategy", "words"),
    Column("In flight", "in_flight"),
    Column("State", "state", "words", under=faults_of),
    Column("Last answer", "last_answer_at", "time", chosen=False),
)
ACTIONS = (
    Action("Test", lambda item: url_for("nas.test", nas_id=item["id"]), "nas.write"),
    Action("Remove", lambda item: url_for("nas.remove", nas_id=item["id"]), "nas.write",
           asks=True, danger=True),
)  # fmt: skip
CHANGED = (
    Field("name", "Name", required=True),
    Field("vendor", "Vendor", "choice", required=True, options=tuple((v, v) for v in VENDORS)),
    Field("coa_port", "CoA port", "number", hint="3799 mostly; MikroTik 3799 or 1700."),
    Field("strategy", "How a change reaches a session", "choice", required=True,
          options=choices(*STRATEGIES)),
    Field("in_flight", "Requests at once", "number"),
    Field("rate_policy", "Name of its rate policy",
          hint="For vendors that take rates by a name, as Cisco and Juniper do."),
    Field("sessions_url", "Where it lists its sessions", "url",
          hint="JSON over HTTP(S): accounting is compared with it each minute."),
    Field("sessions_token", "Token for that list", "password", hint="Empty: stays as it is."),
)  # fmt: skip
ADDED = (Field("address", "Address", required=True, hint="From which it sends, IPv4 or IPv6."),)


@pages.get("")
def list_nas() -> str:
    listing = read(apis().network.nas, NAS, table="nas", search="Name")
    return render_template(
        "list.html", listing=listing, title="NAS", actions=ACTIONS,
        tools=(("Add NAS", url_for("nas.add"), "nas.write"),),
        about="The access servers that we send Disconnect and CoA to.",
        empty="No NAS is registered: nobody can be disconnected before one is.",
    )  # fmt: skip


def _secret(required: bool, hint: str) -> Field:
    return Field("secret", "RADIUS secret", "password", required=required, hint=hint)


@pages.route("/new", methods=["GET", "POST"])
def add() -> Page:
    question = Question(
        "Add NAS", "Add it", (*ADDED, _secret(True, "openssl rand -hex 16 makes one."), *CHANGED),
        url_for("nas.list_nas"), "FreeRADIUS knows it at once, without a restart.",
        values={"coa_port": "3799", "vendor": "mikrotik"},
    )  # fmt: skip
    return ask(question, apis().network.add_nas, "Added. Test it, so that you know it answers.")


@pages.route("/<uuid:nas_id>", methods=["GET", "POST"])
def edit(nas_id: UUID) -> Page:
    services = apis().network

    def question(found: dict[str, Any]) -> Question:
        return Question(
            f"NAS {found['name']}", "Save", (*CHANGED, _secret(False, "Empty: stays as it is.")),
            url_for("nas.list_nas"), f"{found['address']}. {faults_of(found)}",
            values=shown(CHANGED, found),
        )  # fmt: skip

    def send(body: dict[str, Any], etag: str) -> Any:
        return services.change_nas(nas_id, body, etag)

    return change(lambda: services.one_nas(nas_id), question, send, "Saved.")


@pages.route("/<uuid:nas_id>/remove", methods=["GET", "POST"])
def remove(nas_id: UUID) -> Page:
    services = apis().network
    found = services.one_nas(nas_id)
    question = Question(
        f"Remove NAS {found.body['name']}?", "Remove it", (), url_for("nas.list_nas"),
        "It is sent no Disconnects any more, and its customers cannot log in.", danger=True,
    )  # fmt: skip
    return ask(question, lambda *_: services.remove_nas(nas_id, found.etag), "Removed.")


@pages.post("/<uuid:nas_id>/test")
def test(nas_id: UUID) -> Response:
    """Ask it to end a session that does not exist; its answer tells what is wrong, if anything."""
    try:
        said = apis().network.test_nas(nas_id).body
    except Refused as refused:
        warn(refused, "Not tested")
    else:
        _tell(said)
    return redirect(url_for("nas.list_nas"), 303)


def _tell(said: dict[str, Any]) -> None:
    insists = said.get("requires") or ()
    more = (
        said["advice"],
        f"It insists on {', '.join(insists)}." if insists else "",
        faults_of(said),
    )
    works = f"It answers in {said['round_trip_ms']:.0f} ms." if said["works"] else "It fails."
    tell(works, *filter(None, more), tone="done" if said["works"] else "problem")
