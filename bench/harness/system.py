"""Programs that are measured: how they are started and ended, and what they use of the machine."""

import os
import resource
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


class Failed(Exception):
    """What was to be measured does not do what it should. The text is for a person."""


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def output(*command: str) -> str:
    """What a command prints."""
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def _stat(pid: str) -> list[str]:
    """The fields of /proc/PID/stat from the state on (proc(5) calls it the third)."""
    return Path("/proc", pid, "stat").read_text().rpartition(")")[2].split()


def family(pid: int) -> dict[int, list[str]]:
    """A process and all that descend from it, with their stat fields."""
    stats: dict[int, list[str]] = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                stats[int(entry)] = _stat(entry)
            except OSError:  # It ended meanwhile.
                continue
    found = {pid} & stats.keys()
    while more := {child for child, stat in stats.items() if int(stat[1]) in found} - found:
        found |= more
    return {member: stats[member] for member in found}


def cpu_seconds(pid: int) -> float:
    """What a process, its descendants, and those of them that have ended, have used, in user and in kernel mode."""
    return sum(sum(map(int, stat[11:15])) for stat in family(pid).values()) / TICKS


def resident_mb(pid: int) -> float:
    """The resident memory of a process and its descendants in MB (10^6 bytes). What they share counts for each."""
    page = os.sysconf("SC_PAGE_SIZE")
    return sum(int(stat[21]) for stat in family(pid).values()) * page / 1e6


class Meter:
    """What processes, with all that descend from them, use of the machine from now on, and what others do."""

    def __init__(self, *pids: int) -> None:
        self._pids = pids
        self._began, self._before = time.perf_counter(), self._read()

    def _read(self) -> list[float]:
        """Seconds of the processes, of this program and those that it has waited for, and of the whole machine."""
        own, ended = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        here = own.ru_utime + own.ru_stime + ended.ru_utime + ended.ru_stime
        # proc(5): user, nice and system, and what was taken by other guests of a host. Interrupts are nobody's.
        fields = Path("/proc/stat").read_text().split(maxsplit=9)
        machine = sum(int(fields[column]) for column in (1, 2, 3, 8)) / TICKS
        return [*(cpu_seconds(pid) for pid in self._pids), here, machine]

    def read(self) -> tuple[list[float], float]:
        """The CPU seconds of each process, and the share of the machine's that others had."""
        elapsed = time.perf_counter() - self._began
        *used, here, machine = (after - before for before, after in zip(self._before, self._read(), strict=True))
        others = machine - here - sum(used)
        return used, max(others, 0.0) / (elapsed * (os.cpu_count() or 1))


@dataclass
class Server:
    """A program that answers on a port of 127.0.0.1 until it is stopped."""

    port: int
    process: subprocess.Popen[bytes]
    log: Path
    started: float = field(default_factory=time.perf_counter)

    @classmethod
    def start(
        cls, name: str, command: Sequence[str | Path], port: int, env: Mapping[str, str], folder: Path
    ) -> "Server":
        """Starts a program in `folder`, with `env` and the path as all of its environment."""
        log = folder / f"{name}.log"
        started = time.perf_counter()
        with log.open("ab") as sink:
            process = subprocess.Popen(
                [str(part) for part in command],
                cwd=folder,
                env={"PATH": os.environ["PATH"], **env},
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=sink,
                start_new_session=True,
            )
        return cls(port, process, log, started)

    def wait_ready(self, path: str = "/readyz", patience: float = 30) -> float:
        """Waits for the first answer that is no error; how many seconds after the start it came.

        Raises `Failed` when the program ends, or takes longer than `patience` seconds.
        """
        deadline = time.perf_counter() + patience
        while time.perf_counter() < deadline:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5):
                    return time.perf_counter() - self.started
            except (urllib.error.URLError, OSError):
                if self.process.poll() is not None:
                    break
                time.sleep(0.001)
        raise Failed(f"{self.log.stem} did not start:\n{self.tail()}")

    def wait_listening(self, patience: float = 30) -> None:
        """Waits until it accepts connections, for a program that has no page to tell that it is ready."""
        deadline = time.perf_counter() + patience
        while time.perf_counter() < deadline and self.process.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        raise Failed(f"{self.log.stem} did not start:\n{self.tail()}")

    def tail(self) -> str:
        """The end of its log."""
        return self.log.read_text(errors="replace")[-2000:]

    def forget_log(self) -> None:
        """Empties the log, which has a line for each request."""
        os.truncate(self.log, 0)

    def stop(self) -> None:
        """Ends it and its children."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        try:
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(10)
        finally:
            # Its children are in its group, whether it has ended them or not.
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
