"""A function as it is declared: its code, its limits, and what it is granted, in Lambda's words."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import msgspec

Runtime = Literal["python", "node"]

ACCOUNT = "000000000000"
REGION = "us-east-1"
VERSION = "$LATEST"


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What one process of a function may use.

    Attributes:
        timeout_s: Of one invocation; 900 at most.
        memory_mb: Memory of all its processes together.
        temp_mb: The size of ``/tmp``, and of each file.
        processes: Processes and threads.
        open_files: Open files of each process.
        concurrency: Processes of the function at the same time.
    """

    timeout_s: float = 3.0
    memory_mb: int = 128
    temp_mb: int = 64
    processes: int = 64
    open_files: int = 1024
    concurrency: int = 2


class Function(msgspec.Struct, frozen=True, kw_only=True):
    """One function.

    Attributes:
        name: Its name, as in ``function_name`` of its context.
        path: Its code: one file, or a folder with all that it imports.
        handler: ``module.function`` in it.
        runtime: What runs it.
        limits: See `Limits`.
        network: Whether it may use the network.
        environment: Variables beside those that Lambda sets.
        secrets: Variables whose values are read from a reference such as ``env:NAME`` when a process starts.
    """

    name: str
    path: Path
    handler: str
    runtime: Runtime = "python"
    limits: Limits = Limits()
    network: bool = False
    environment: Mapping[str, str] = {}
    secrets: Mapping[str, str] = {}

    @property
    def arn(self) -> str:
        """Its ARN, in an account and a region that do not exist."""
        return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{self.name}"


def function_of_file(path: Path, name: str = "", handler: str = "") -> Function:
    """Return the function of one file or folder, with the defaults of everything.

    Args:
        path: The file or folder.
        name: Its name; that of the file without it.
        handler: ``module.function``; ``handler`` in the file without it, or Lambda's own
            ``lambda_function.lambda_handler`` in a folder.
    """
    is_folder = path.is_dir()
    chosen = handler or ("lambda_function.lambda_handler" if is_folder else f"{path.stem}.handler")
    runtime: Runtime = "node" if _is_node(path, chosen) else "python"
    return Function(name=name or path.stem, path=path, handler=chosen, runtime=runtime)


def _is_node(path: Path, handler: str) -> bool:
    if not path.is_dir():
        return path.suffix in {".mjs", ".js", ".cjs"}
    module = handler.rpartition(".")[0].replace(".", "/")
    return any((path / f"{module}{ending}").is_file() for ending in (".mjs", ".js", ".cjs"))
