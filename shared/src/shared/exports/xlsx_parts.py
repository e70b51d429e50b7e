"""The parts of a workbook that do not depend on its rows (ECMA-376 part 1, 12 and 18)."""

from collections.abc import Sequence
from xml.sax.saxutils import escape, quoteattr

from shared.exports.columns import Column

# Positions in `cellXfs` of the style sheet below.
TEXT, TITLE, TIMESTAMP, DATE, INTEGER, _FIRST_MONEY = range(1, 7)

_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_CONTENT = "application/vnd.openxmlformats-officedocument.spreadsheetml"

_WIDTHS = {"text": 24, "phone": 17, "money": 14, "integer": 12, "timestamp": 20, "date": 12}

# Phone numbers and ids are meant to be text: no green corner in each of their cells.
SHEET_END = (
    b'</sheetData><ignoredErrors><ignoredError sqref="A1:XFD1048576" numberStoredAsText="1"/>'
    b"</ignoredErrors></worksheet>"
)


def money_style(column: Column, columns: Sequence[Column]) -> int:
    """The style of an amount with the column's decimals."""
    return _FIRST_MONEY + _places(columns).index(column.decimals)


def sheet_start(columns: Sequence[Column]) -> bytes:
    """A sheet up to and with its row of titles, which stays in view."""
    widths = "".join(
        f'<col min="{n}" max="{n}" width="{_WIDTHS.get(c.kind, 10)}" customWidth="1"/>'
        for n, c in enumerate(columns, 1)
    )
    titles = "".join(
        f'<c s="{TITLE}" t="inlineStr"><is><t xml:space="preserve">{escape(c.title)}</t></is></c>'
        for c in columns
    )
    return (
        f'{_XML}<worksheet xmlns="{_MAIN}"><sheetViews><sheetView workbookViewId="0">'
        '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView>'
        f"</sheetViews><cols>{widths}</cols><sheetData><row>{titles}</row>\n"
    ).encode()


def parts(columns: Sequence[Column], sheets: int) -> dict[str, str]:
    """Every other part of the package, by its name."""
    return {
        "[Content_Types].xml": _content_types(sheets),
        "_rels/.rels": _relations([("rId1", "officeDocument", "xl/workbook.xml")]),
        "xl/workbook.xml": _workbook(sheets),
        "xl/_rels/workbook.xml.rels": _relations(
            [("rId0", "styles", "styles.xml")]
            + [(f"rId{n}", "worksheet", f"worksheets/sheet{n}.xml") for n in _each(sheets)]
        ),
        "xl/styles.xml": _styles(columns),
    }


def _each(sheets: int) -> range:
    return range(1, sheets + 1)


def _content_types(sheets: int) -> str:
    overrides = "".join(
        f'<Override PartName="/xl/{name}.xml" ContentType="{_CONTENT}.{kind}+xml"/>'
        for name, kind in [("workbook", "sheet.main"), ("styles", "styles")]
        + [(f"worksheets/sheet{n}", "worksheet") for n in _each(sheets)]
    )
    return (
        f'{_XML}<Types xmlns="{_PACKAGE}/content-types"><Default Extension="rels" '
        'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Default Extension="xml" ContentType="application/xml"/>{overrides}</Types>'
    )


def _relations(targets: list[tuple[str, str, str]]) -> str:
    relations = "".join(
        f'<Relationship Id="{key}" Type="{_OFFICE}/{kind}" Target="{target}"/>'
        for key, kind, target in targets
    )
    return f'{_XML}<Relationships xmlns="{_PACKAGE}/relationships">{relations}</Relationships>'


def _workbook(sheets: int) -> str:
    entries = "".join(
        f'<sheet name="Export{f" {n}" if n > 1 else ""}" sheetId="{n}" r:id="rId{n}"/>'
        for n in _each(sheets)
    )
    return (
        f'{_XML}<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><bookViews><workbookView/>'
        f"</bookViews><sheets>{entries}</sheets></workbook>"
    )


def _places(columns: Sequence[Column]) -> list[int]:
    return sorted({column.decimals for column in columns if column.kind == "money"})


def _styles(columns: Sequence[Column]) -> str:
    codes = ["yyyy-mm-dd hh:mm:ss", "yyyy-mm-dd", "0"]
    codes += ["#,##0" + ("." + "0" * places if places else "") for places in _places(columns)]
    formats = "".join(
        f'<numFmt numFmtId="{164 + n}" formatCode={quoteattr(code)}/>'
        for n, code in enumerate(codes)
    )
    # General, TEXT (49 is Excel's own "@"), TITLE (bold), then one style for each code.
    styles = [(0, 0), (49, 0), (49, 1), *((164 + n, 0) for n in range(len(codes)))]
    cells = "".join(
        f'<xf numFmtId="{number}" fontId="{font}" fillId="0" borderId="0" xfId="0"'
        ' applyNumberFormat="1" applyFont="1"/>'
        for number, font in styles
    )
    font = '<sz val="11"/><name val="Calibri"/><family val="2"/>'
    return (
        f'{_XML}<styleSheet xmlns="{_MAIN}"><numFmts count="{len(codes)}">{formats}</numFmts>'
        f'<fonts count="2"><font>{font}</font><font><b/>{font}</font></fonts>'
        '<fills count="2"><fill><patternFill patternType="none"/></fill>'
        '<fill><patternFill patternType="gray125"/></fill></fills>'
        '<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>'
        '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/>'
        f'</cellStyleXfs><cellXfs count="{len(styles)}">{cells}</cellXfs>'
        '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles>'
        "</styleSheet>"
    )
