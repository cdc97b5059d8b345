"""How a function's process is started: its program, environment and files."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from iotlab.errors import UnavailableError
from iotlab.triggers.host.containment import Containment, jailed
from iotlab.triggers.host.function import REGION, VERSION, Function
from iotlab.triggers.host.jail.order import Order
from iotlab.triggers.host.package import Package

TASK_ROOT = "/var/task"
RUNTIME_DIR = "/var/runtime"
_RUNTIME_FOLDER = Path(__file__).resolve().parent / "runtime"
_AWS_CLIENT = "awslambdaric"

# Address space is not memory: an interpreter reserves more than it uses. The memory itself is watched besides.
_RESERVED_BYTES = 512 * 2**20


def order_for(
    function: Function,
    package: Package,
    containment: Containment,
    *,
    reveal: Callable[[str], str],
    temp: Path | None,
    token: str = "",
) -> Order:
    """Return the order for one process of a function.

    Args:
        function, package: What to run.
        containment: What this machine has.
        reveal: Returns the secret of a reference.
        temp: Its temporary directory; None where it has a root directory of its own.
        token: What its Runtime API's paths begin with.

    Raises:
        UnavailableError: there is no Node.js on this machine.
        ConfigError: a secret's reference leads nowhere.
    """
    task_root, runtime_dir = (TASK_ROOT, RUNTIME_DIR) if temp is None else _staged(package, temp)
    env = _environment(function, task_root, runtime_dir, "{api}" + (f"/{token}" if token else ""))
    env |= {} if temp is None else {"TMPDIR": str(temp)}
    env |= function.environment
    env |= {name: reveal(reference) for name, reference in function.secrets.items()}
    limits = function.limits
    is_python = function.runtime == "python"
    order = Order(
        argv=_python(function, runtime_dir, token) if is_python else _node(function, runtime_dir),
        env=env,
        cwd=task_root,
        network=function.network,
        binds=_binds(package, is_python=is_python),
        temp_bytes=limits.temp_mb * 2**20,
        # V8 reserves many gigabytes of address space that it never touches.
        address_space_bytes=2 * limits.memory_mb * 2**20 + _RESERVED_BYTES if is_python else 0,
        processes=limits.processes,
        open_files=limits.open_files,
        file_bytes=limits.temp_mb * 2**20,
    )
    order = jailed(order, containment.kind)
    if order.uid is not None and temp is not None:
        os.chown(temp, order.uid, order.uid)
    return order


def _staged(package: Package, temp: Path) -> tuple[str, str]:
    """Copy what the function needs to where its own user can read it; return the code's and the runtime's folder."""
    return (
        str(shutil.copytree(package.folder, temp / "task")),
        str(shutil.copytree(_RUNTIME_FOLDER, temp / "runtime", ignore=shutil.ignore_patterns("__pycache__"))),
    )


def has_aws_client() -> bool:
    """Whether AWS's own runtime client is installed here."""
    return importlib.util.find_spec(_AWS_CLIENT) is not None


def _environment(function: Function, task_root: str, runtime_dir: str, api: str) -> dict[str, str]:
    """Return the variables that Lambda sets. Source: Developer Guide, "Defined runtime environment variables"."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}" if function.runtime == "python" else "nodejs"
    env = {
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{version}",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.limits.memory_mb),
        "AWS_LAMBDA_FUNCTION_NAME": function.name,
        "AWS_LAMBDA_FUNCTION_VERSION": VERSION,
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{function.name}",
        "AWS_LAMBDA_LOG_STREAM_NAME": f"[{VERSION}]",
        "AWS_LAMBDA_RUNTIME_API": api,
        "AWS_REGION": REGION,
        "LAMBDA_RUNTIME_DIR": runtime_dir,
        "LAMBDA_TASK_ROOT": task_root,
        "LANG": "en_US.UTF-8",
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "TZ": ":UTC",
        "_HANDLER": function.handler,
    }
    return env | ({"PYTHONPATH": task_root} if function.runtime == "python" else {})


def _python(function: Function, runtime_dir: str, token: str) -> list[str]:
    # AWS's client can't say a path before its own, so it is used where nobody else can reach the port anyway.
    if not function.network and not token and has_aws_client():
        return [sys.executable, "-P", "-X", "utf8", "-m", _AWS_CLIENT, function.handler]
    return [sys.executable, "-P", "-X", "utf8", f"{runtime_dir}/python_client.py"]


def _node(function: Function, runtime_dir: str) -> list[str]:
    node = shutil.which("node")
    if node is None:
        raise UnavailableError(
            f"{function.name} needs Node.js, and there is no `node` on this machine",
            hint="Install Node.js 18 or newer.",
        )
    heap_mb = max(function.limits.memory_mb * 3 // 4, 64)
    return [str(Path(node).resolve()), f"--max-old-space-size={heap_mb}", f"{runtime_dir}/node_client.mjs"]


def _binds(package: Package, *, is_python: bool) -> list[list[str]]:
    binds = [[str(package.folder), TASK_ROOT], [str(_RUNTIME_FOLDER), RUNTIME_DIR]]
    node = None if is_python else shutil.which("node")
    if node is not None and not Path(node).resolve().is_relative_to("/usr"):
        binds.append([str(Path(node).resolve().parent.parent)] * 2)
    return binds
