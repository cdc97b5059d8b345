"""Functions that do what no function should, each with what the host must say about it.

They are data: nothing here runs in the test's own process.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

TIMEOUT = "Sandbox.Timedout"
EXIT = "Runtime.ExitError"
TIMEOUT_S = 0.5


@dataclass(frozen=True)
class Attack:
    """One function.

    Attributes:
        name: What it does.
        body: Its body, after ``event`` and ``context``.
        error: The types of error that may come of it; ``None`` is among them when an answer may.
        message: What the error's message holds.
        payload: What it returns when there is no error.
        before: What stands before the function in its file.
        signature: Its parameters.
        limits: Limits other than the defaults.
        is_harmful: Without namespaces it would reach the test's own user.
        repeated: More errors that may come of it when it is repeated at once, before its process rests: what it
            leaves behind adds up, and is limited.
    """

    name: str
    body: str
    error: tuple[str | None, ...]
    message: str = ""
    payload: bytes | None = None
    before: str = ""
    signature: str = "event, context"
    limits: Mapping[str, float] = field(default_factory=dict)
    is_harmful: bool = False
    repeated: tuple[str, ...] = ()

    @property
    def source(self) -> str:
        lines = "\n".join(f"    {line}" for line in self.body.splitlines())
        return f"import os, sys, time\n{self.before}\ndef handler({self.signature}):\n{lines}\n"


REPORT_ACCESS = """
def tried(what):
    try:
        return repr(what())
    except Exception as error:
        return type(error).__name__
"""

ATTACKS = [
    Attack("loops for ever", "while True: pass", (TIMEOUT,), f"Task timed out after {TIMEOUT_S:.2f} seconds"),
    Attack("sleeps for ever", "time.sleep(1e6)", (TIMEOUT,)),
    Attack("makes a list of 10 GB", "return len([bytes(1_000_000) for _ in range(10_000)])", (EXIT, "MemoryError")),
    Attack("asks for 10 GB at once", "return len(bytes(10_000_000_000))", ("MemoryError",)),
    Attack(
        "forks without end",
        "while True:\n    try:\n        os.fork()\n    except OSError:\n        pass",
        (TIMEOUT, EXIT),
        limits={"processes": 24},
        is_harmful=True,
    ),
    Attack(
        "starts threads without end",
        "import threading\nwhile True: threading.Thread(target=time.sleep, args=(1e6,)).start()",
        ("RuntimeError", EXIT, TIMEOUT),
    ),
    Attack("calls os._exit(0)", "os._exit(0)", (EXIT,), "Runtime exited without providing a reason"),
    Attack("calls os._exit(3)", "os._exit(3)", (EXIT,), "Runtime exited with error: exit status 3"),
    Attack("calls sys.exit(4)", "sys.exit(4)", (EXIT,), "Runtime exited with error: exit status 4"),
    Attack(
        "kills its parent",
        "os.kill(os.getppid(), 9)\ntime.sleep(0.1)\nreturn 'alive'",
        ("PermissionError", EXIT, None),
        payload=b'"alive"',
    ),
    Attack(
        "kills all that it may",
        "os.kill(-1, 9)\ntime.sleep(1e6)",
        (EXIT, TIMEOUT, "ProcessLookupError"),
        is_harmful=True,
    ),
    Attack("kills itself", "os.kill(os.getpid(), 9)", (EXIT,), "Runtime exited with error: signal: killed"),
    Attack("prints without end", "while True: print('x' * 100_000)", (TIMEOUT,)),
    Attack("writes a line without end", "while True: os.write(1, b'x' * 65_536)", (TIMEOUT,)),
    Attack("returns 1 GB", "return 'x' * 1_000_000_000", ("MemoryError", EXIT, "Runtime.MarshalError", TIMEOUT)),
    Attack(
        "returns more than 6 MB",
        "return 'x' * 7_000_000",
        ("Function.ResponseSizeTooLarge",),
        "Response payload size exceeded maximum allowed payload size",
        limits={"timeout_s": 3.0},
    ),
    Attack("returns what is no JSON", "return object()", ("Runtime.MarshalError",), "Unable to marshal response"),
    Attack("returns itself", "x = []\nx.append(x)\nreturn x", ("Runtime.MarshalError",)),
    Attack("returns nothing", "return None", (None,), payload=b"null"),
    Attack("raises BaseException", "raise BaseException('no')", (EXIT,), "exit status 1"),
    Attack("raises KeyboardInterrupt", "raise KeyboardInterrupt", (EXIT,), "Runtime exited with error"),
    Attack("recurses without end", "return handler(event, context)", ("RecursionError",)),
    Attack("writes to address 0", "import ctypes\nctypes.memset(0, 1, 1)", (EXIT,), "signal: segmentation fault"),
    Attack("aborts", "os.abort()", (EXIT,), "signal: aborted"),
    Attack(
        "leaves a daemon behind",
        """
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        for number in range(64):
            try: os.close(number)
            except OSError: pass
        time.sleep(1e6)
    os._exit(0)
return 'left'
""",
        (None,),
        payload=b'"left"',
        # At the limit of processes the first child can't fork, and answers in its parent's place.
        repeated=(EXIT, "BlockingIOError"),
    ),
    Attack(
        "leaves a thread behind that loops",
        """
import threading
def loop():
    while True: pass
threading.Thread(target=loop, daemon=True).start()
return 'left'
""",
        (None,),
        payload=b'"left"',
        repeated=(TIMEOUT, "RuntimeError"),
    ),
    Attack(
        "ignores all signals",
        """
import signal
for number in range(1, 32):
    try: signal.signal(number, signal.SIG_IGN)
    except (OSError, ValueError): pass
while True: time.sleep(1e6)
""",
        (TIMEOUT,),
    ),
    Attack(
        "fills its temporary folder",
        """
import tempfile
with tempfile.NamedTemporaryFile(delete=False) as file:
    while True: file.write(bytes(1_000_000))
""",
        ("OSError", EXIT),
        limits={"temp_mb": 8, "timeout_s": 3.0},
    ),
    Attack(
        "makes files without end",
        """
import tempfile
folder = tempfile.mkdtemp()
number = 0
while True:
    number += 1
    open(f'{folder}/{number}', 'w').close()
""",
        ("OSError", TIMEOUT),
    ),
    Attack(
        "opens files without end",
        "files = []\nwhile True: files.append(open('/dev/null'))",
        ("OSError",),
        "Too many open files",
        limits={"timeout_s": 3.0},
    ),
    Attack(
        "imports what there is not",
        "return 1",
        ("Runtime.ImportModuleError",),
        "No module named 'nothing_of_this_name'",
        before="import nothing_of_this_name",
    ),
    Attack("is no Python", "return 1", ("Runtime.UserCodeSyntaxError",), "Syntax error", before="def ("),
    Attack("fails while it is imported", "return 1", ("ZeroDivisionError", EXIT), before="1 / 0"),
    Attack("ends while it is imported", "return 1", (EXIT,), "exit status 7", before="os._exit(7)"),
    Attack("takes no context", "return 1", ("TypeError",), "positional argument", signature="event"),
    Attack(
        "replaces the runtime's parts",
        """
import http.client, json, socket
def broken(*_, **__): raise OSError('broken')
http.client.HTTPConnection.request = broken
socket.socket.sendall = broken
json.dumps = json.loads = broken
sys.stdout = None
return 1
""",
        (EXIT, TIMEOUT, "OSError", "Runtime.MarshalError", None),
        payload=b"1",
    ),
    Attack(
        "closes every descriptor",
        "os.closerange(0, 1024)\nreturn 1",
        (EXIT, TIMEOUT, None, "OSError"),
        payload=b"1",
    ),
    Attack(
        "speaks nonsense to the Runtime API",
        """
import socket
host, _, rest = os.environ['AWS_LAMBDA_RUNTIME_API'].partition(':')
for _ in range(50):
    with socket.create_connection((host, int(rest.partition('/')[0]))) as nonsense:
        nonsense.sendall(b'\\x00' * 10_000)
return 1
""",
        (None, "ConnectionResetError", "BrokenPipeError", TIMEOUT),
        payload=b"1",
    ),
]
