"""What functions are contained with on this machine."""

from __future__ import annotations

from iotlab.cli.checks.finding import Finding
from iotlab.triggers.host.command import has_aws_client
from iotlab.triggers.host.containment import Containment, containment

_WORDS = {
    "root": "own files, network, processes and user",
    "user": "own files, network and processes, by user namespaces",
    "limits": "limits of time, memory and processes only",
}


def check_handlers(found: Containment | None = None) -> Finding:
    """Functions can be locked in."""
    contained = found or containment()
    client = "AWS's runtime client" if has_aws_client() else "the lab's own runtime client"
    words = f"{_WORDS[contained.kind]}; {client}"
    if contained.has_namespaces:
        return Finding("handlers", "ok", words)
    left_open = " ".join(contained.not_contained)
    return Finding(
        "handlers",
        "warn",
        f"{words} ({contained.reason}). {left_open}",
        "Run only functions that you trust, or allow user namespaces: docs/handlers.md says how.",
    )
