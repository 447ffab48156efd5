"""A process that has imported the libraries which the command needs, and divides for each command that tests give it.

To import them takes longer than most commands. Each command has a process of its own all the same, and Custody's own
modules are imported in it, from nothing: a test may replace parts of them beforehand.
"""

from __future__ import annotations

import atexit
import io
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import traceback
import types
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import NoReturn

#: What takes long to import of what the command uses. Great Expectations has processes of its own.
LIBRARIES = (
    "alembic.command", "dagster", "duckdb", "jinja2", "lxml.etree", "numpy", "pandas", "pyarrow.compute", "pyarrow.csv",
    "pyarrow.parquet", "pydantic", "python_calamine", "requests", "rich.console", "sqlalchemy", "typer", "xlsxwriter", "yaml",
)  # fmt: skip


def run(
    words: Sequence[str], code: str, environment: Mapping[str, str], cwd: Path, seconds: float
) -> subprocess.CompletedProcess[str]:
    """What `python -c CODE WORDS` says and how it ends, in an environment and a folder."""
    request = json.dumps([code, list(words), dict(environment), str(cwd)]).encode()
    with (
        tempfile.TemporaryFile() as out,
        tempfile.TemporaryFile() as err,
        socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as asking,
    ):
        asking.connect(_server())
        asking.settimeout(seconds)
        asking.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
        socket.send_fds(asking, [request], [out.fileno(), err.fileno()])
        process = int(asking.recv(32))
        try:
            status = int(asking.recv(32))
        except TimeoutError:
            os.kill(process, signal.SIGKILL)
            raise subprocess.TimeoutExpired(list(words), seconds) from None
        texts = []
        for stream in (out, err):
            stream.seek(0)
            texts.append(io.TextIOWrapper(stream, "utf-8").read())
    return subprocess.CompletedProcess(list(words), status, *texts)


@cache
def _server() -> str:
    """The address of the process, which ends when this one does."""
    folder = tempfile.mkdtemp(prefix="custody-forking-")
    path = f"{folder}/socket"
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listening:
        listening.bind(path)
        listening.listen(16)
        words = [sys.executable, "-c", f"from tests.custody.forking import serve; serve({listening.fileno()})"]
        repository = Path(__file__).resolve().parent.parent.parent
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("CUSTODY_", "DAGSTER_", "PYTEST_"))}
        server = subprocess.Popen(
            words, pass_fds=[listening.fileno()], stdin=subprocess.PIPE, env={**kept, "PYTHONPATH": str(repository)},
        )  # fmt: skip
    atexit.register(_end, server, path)
    return path


def _end(server: subprocess.Popen[bytes], path: str) -> None:
    if server.stdin:
        server.stdin.close()
    server.wait(30)
    os.unlink(path)
    os.rmdir(os.path.dirname(path))


def serve(listening: int) -> None:
    """Wait for commands until standard input ends, with which whoever started this has ended."""
    import importlib

    for name in LIBRARIES:
        importlib.import_module(name)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those who wait for a command
    server = socket.socket(fileno=listening)
    while True:
        ready, _, _ = select.select([server, sys.stdin], [], [])
        if sys.stdin in ready:
            return
        asked, _ = server.accept()
        if not os.fork():
            server.close()
            _answer(asked)
        asked.close()


def _answer(asked: socket.socket) -> NoReturn:
    """Have a command run in a process of its own, and tell its number and then its end."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    asked.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    request, streams, _, _ = socket.recv_fds(asked, 1 << 20, 2)
    process = os.fork()
    if not process:
        asked.close()
        _be(*json.loads(request), *streams)
    for stream in streams:
        os.close(stream)
    with suppress(OSError):
        asked.send(str(process).encode())
        _, ended = os.waitpid(process, 0)
        asked.send(str(os.waitstatus_to_exitcode(ended)).encode())
    os._exit(0)


def _be(code: str, words: list[str], environment: dict[str, str], cwd: str, out: int, err: int) -> NoReturn:
    """Become `python -c CODE WORDS`."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    for stream, number in ((nothing, 0), (out, 1), (err, 2)):
        os.dup2(stream, number)
        os.close(stream)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(cwd)
    sys.stdout = io.TextIOWrapper(open(1, "wb"), "utf-8", line_buffering=False)  # noqa: SIM115
    sys.stderr = io.TextIOWrapper(open(2, "wb", buffering=0), "utf-8", "backslashreplace", write_through=True)  # noqa: SIM115
    sys.argv = ["-c", *words]
    for name in [name for name in sys.modules if name == "tests" or name.startswith("tests.")]:
        del sys.modules[name]
    main = sys.modules["__main__"] = types.ModuleType("__main__")
    status = 0
    try:
        exec(compile(code, "<string>", "exec"), main.__dict__)
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
        status = 1
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    os._exit(status)
