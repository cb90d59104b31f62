"""A study as one Markdown text: answer, arms, comparisons, fairness, classes, statements, runs."""

import re
from typing import Any

from markupsafe import Markup

from animal_cls.files.naming import escaped
from animal_cls.report.output.rows import environment
from animal_cls.report.records import Study

SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~$&])")


def markdown(study: Study) -> str:
    """The text of report.md."""
    made = environment(finalize=shown)
    made.filters["raw"] = Markup
    made.globals["code"] = code
    return re.sub(r"\n{3,}", "\n\n", made.get_template("report.md").render(study=study)).strip() + "\n"


def shown(value: object) -> str:
    """A value as the text has it; of ours the markup as it is."""
    return value if isinstance(value, Markup) else safe(str(value))


def safe(text: str) -> str:
    """`text` with everything escaped that Markdown or HTML would read as more than letters, on one line."""
    return SPECIAL.sub(r"\\\1", escaped(" ".join(text.split())))


def code(line: str) -> Any:
    """A command as code, which is not to be escaped but shown as it is typed, whatever backticks it holds."""
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", line)), default=0))
    pad = " " if line.startswith("`") or line.endswith("`") else ""
    return Markup(f"{fence}{pad}{escaped(line)}{pad}{fence}")
