"""One fault: a code to look it up by, what is wrong, and what to do."""

from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Finding:
    """`place` is a file, a table or a row; `fix` a sentence, or a statement to run."""

    code: str
    place: str
    fault: str
    fix: str

    def __str__(self) -> str:
        return f"{self.code}: {self.place}: {self.fault}\n    fix: {self.fix}"
