"""Files of customers, sent as an import and followed to its end."""

import io
import zipfile
from typing import Any
from xml.sax.saxutils import escape

from werkzeug.test import TestResponse

from customers.jobs import kinds
from shared import jobs
from tests.customers.conftest import Caller, Site

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
numbers = iter(range(10**9))


def send(
    caller: Caller, content: bytes | str, query: str = "", mime: str = "text/csv"
) -> TestResponse:
    return caller.client.post(
        f"/v1/imports{query}",
        data=content,
        headers={
            "Authorization": f"Bearer {caller.token}",
            "Content-Type": mime,
            "Idempotency-Key": f"import-{next(numbers):08d}",
        },
    )


def take(site: Site, content: bytes | str, query: str = "", **more: Any) -> dict[str, Any]:
    """The job and its rows once it is over."""
    caller = more.pop("caller", site.admin)
    begun = send(caller, content, query, **more)
    assert begun.status_code == 202, begun.text
    jobs.run_due(site.database, kinds(site.settings))
    place = begun.headers["Location"]
    job: dict[str, Any] = caller.get(place).get_json()
    assert job["state"] == "succeeded", job
    rows = caller.get(f"{place}/rows?limit=500").get_json()["items"]
    verdicts = [(row["state"], row["verdict"]) for row in rows]
    return {**job["result"], "verdicts": verdicts}


def sheet(rows: list[list[Any]]) -> bytes:
    """The smallest workbook that Excel opens."""

    def cell(value: Any) -> str:
        if isinstance(value, int | float):
            return f"<c><v>{value}</v></c>"
        return f'<c t="inlineStr"><is><t>{escape(str(value))}</t></is></c>'

    body = "".join(f"<row>{''.join(map(cell, row))}</row>" for row in rows)
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    relations = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    files = {
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types">'
        '<Default Extension="rels"'
        ' ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Override PartName="/xl/workbook.xml"'
        f' ContentType="{XLSX}.main+xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="a"'
        f' Type="{relations}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{relations}"><sheets>'
        '<sheet name="S" sheetId="1" r:id="b"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}/relationships">'
        f'<Relationship Id="b" Type="{relations}/worksheet" Target="worksheets/sheet1.xml"/>'
        "</Relationships>",
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{main}"><sheetData>{body}</sheetData></worksheet>',
    }  # fmt: skip
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return made.getvalue()


GOOD = (
    "Customer Name,Username,Phone,E-mail,Password,Package,Shoe size\n"
    "Rahim Uddin,rahim,01711-123456,rahim@example.com,secret-1,Home 10,44\n"
    "Karim Mia,KARIM,,,,,\n"
)
