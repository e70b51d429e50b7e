"""Statements sent by the API and taken in by the worker, for tests."""

from __future__ import annotations

from typing import Any

from payments.jobs import kinds
from payments.settings import current
from shared.jobs import run_due
from tests.payments.stage import Stage

CSV = "text/csv"
CAMT = """<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt><Stmt>
<Ntry><Amt Ccy="BDT">500.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><BookgDt><Dt>2026-11-20</Dt></BookgDt>
 <NtryDtls><TxDtls><Refs><EndToEndId>BANK-1</EndToEndId></Refs>
 <RltdPties><Dbtr><Nm>Karim</Nm></Dbtr></RltdPties><RmtInf><Ustrd>bill of May</Ustrd></RmtInf>
 </TxDtls></NtryDtls></Ntry>
<Ntry><Amt Ccy="BDT">30.00</Amt><CdtDbtInd>DBIT</CdtDbtInd><BookgDt><Dt>2026-11-20</Dt></BookgDt></Ntry>
<Ntry><Amt Ccy="BDT">30.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><BookgDt><Dt>2026-11-21</Dt></BookgDt>
 <NtryDtls><TxDtls><Refs><TxId>A</TxId></Refs><Amt Ccy="BDT">10.00</Amt></TxDtls>
 <TxDtls><Refs><TxId>B</TxId></Refs><Amt Ccy="BDT">20.00</Amt></TxDtls></NtryDtls></Ntry>
</Stmt></BkToCstmrStmt></Document>"""


def code(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json["errors"][0]["code"]


def send(
    stage: Stage, content: str | bytes, mime: str = CSV, path: str = "1/", **query: str
) -> Any:
    role: Any = "admin" if path == "1/" else "reseller"
    headers = {**stage.bearer(path, role), "Idempotency-Key": f"statement-{next(stage.keys):06d}"}
    data = content.encode() if isinstance(content, str) else content
    return stage.client.post(
        "/v1/statement-imports", data=data, content_type=mime, headers=headers, query_string=query
    )


def take(
    stage: Stage, content: str | bytes, mime: str = CSV, path: str = "1/", **query: str
) -> Any:
    """Send it and let the worker do the job; the import as it is then."""
    asked = send(stage, content, mime, path, **query)
    assert asked.status_code == 202, asked.json
    run_due(stage.database, kinds(current()))
    assert stage.rows("SELECT error FROM job WHERE state <> 'succeeded'") == []
    role: Any = "admin" if path == "1/" else "reseller"
    return stage.get(f"/v1/statement-imports/{asked.json['import_id']}", path, role).json


def verdicts(stage: Stage, import_id: str) -> list[Any]:
    """What the job says of each row, in the file's order."""
    job = stage.get(f"/v1/statement-imports/{import_id}").json["job_id"]  # type: ignore[index]
    found: Any = stage.get(f"/v1/jobs/{job}/rows").json
    return [(row["state"], row["verdict"]) for row in found["items"]]


def lines(stage: Stage, path: str = "1/", **query: str) -> list[Any]:
    role: Any = "admin" if path == "1/" else "reseller"
    found: Any = stage.get("/v1/statement-lines", path, role, **query).json
    return list(found["items"])


def table(*rows: str) -> str:
    return "\n".join(["date,amount,currency,reference,description,fee", *rows])
