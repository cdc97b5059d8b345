"""`docs/settings.md`, made from the table of settings: ``python -m iotlab.config.reference > docs/settings.md``."""

from __future__ import annotations

import sys

from iotlab.config.setting import Row, plain, rows_of
from iotlab.config.settings import ROWS, SECTIONS

_INTRODUCTION = """\
# Settings

<!-- Made by `make docs` from iotlab/config/*_section*.py. A test compares the two. -->

Each setting can be said in four places. A later one wins:

1. its default;
2. the file `lab.toml` in the data directory, or the file that `--config FILE` or `IOTLAB_CONFIG` names;
3. an environment variable: `broker.host` is `IOTLAB_BROKER_HOST`;
4. a flag: `broker.host` is `--broker-host`.

```toml
# lab.toml
[broker]
host = "broker.local"
username = "lab"
password = "keyring:iotlab/broker"

[[notify.channel]]
name = "phone"
kind = "apprise"
url = "env:PHONE_URL"
severities = ["critical"]
```

A wrong name or value stops the start with the place, what was expected and the nearest valid name. Values that
another source overrides are checked as well. A relative path in `lab.toml` starts from that file's directory.

**Secrets** are never written in a file or a flag themselves, only where they are kept: `env:NAME` (an environment
variable), `keyring:service/user` (the system's keyring; store with `keyring set service user`), or `file:/path`
(a file that only you can read, mode 0600). An environment variable of a secret setting, such as
`IOTLAB_BROKER_PASSWORD`, may hold the secret itself.

A list in an environment variable is a TOML array, or texts with commas between them; as a flag it is repeated.
"""


def settings_markdown() -> str:
    """Return the whole reference of settings as Markdown."""
    parts = [_INTRODUCTION]
    for section, declaration in SECTIONS.items():
        parts.append(f"## `[{section}]`\n\n{declaration.__doc__}\n\n{_table(ROWS[section])}")
        for row in ROWS[section]:
            if row.kind.table is not None:
                keys = _table(rows_of("", row.kind.table))
                parts.append(f"Each `[[{row.name}]]` has these keys:\n\n{keys}")
    return "\n".join(parts)


def _table(rows: tuple[Row, ...]) -> str:
    lines = ["| name | type | default | what it does | change needs |", "| --- | --- | --- | --- | --- |"]
    for row in rows:
        default = "must be given" if row.required else row.default_label
        restart = "a restart" if row.about.needs_restart else "nothing"
        cells = (f"`{row.name}`", _type(row), default, row.about.help, restart)
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def _type(row: Row) -> str:
    limits = [f"≥ {plain(row.about.minimum)}"] if row.about.minimum is not None else []
    limits += [f"≤ {plain(row.about.maximum)}"] if row.about.maximum is not None else []
    text = row.kind.label + (f" ({', '.join(limits)})" if limits else "")
    return f"{text}, in {row.about.unit}" if row.about.unit else text


if __name__ == "__main__":
    sys.stdout.write(settings_markdown())
