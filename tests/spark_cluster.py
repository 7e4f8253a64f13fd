"""A real Spark cluster on loopback: a master, workers and a Spark Connect server, each a process of its own.

Needs Java 17 or newer and the PySpark package, which has the servers: ``make spark`` installs it in an environment
of its own, because it excludes ``pyspark-client``. ``SPARK_HOME`` names another Spark. By hand:

    .venv/bin/python -m tests.spark_cluster --workers 2 --folder /tmp/cluster
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

_HOST = "127.0.0.1"
# Compiling twice costs more than it gains where all is over in a minute.
_JAVA = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
# For tables of some thousand rows, where planning and compiling a query takes longer than running it.
_SMALL = {
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.adaptive.enabled": "false",
}
_LOGGING = """
rootLogger.level = warn
rootLogger.appenderRef.stderr.ref = stderr
appender.stderr.type = Console
appender.stderr.name = stderr
appender.stderr.target = SYSTEM_ERR
appender.stderr.layout.type = PatternLayout
appender.stderr.layout.pattern = %d{HH:mm:ss} %p %c{1}: %m%n%ex
"""


def spark_home() -> Path | None:
    """Where the servers are, or None when PySpark is not here."""
    if "SPARK_HOME" in os.environ:
        return Path(os.environ["SPARK_HOME"])
    beside = Path(__file__).parents[1] / ".venv-spark"
    return next(beside.glob("lib/python3*/site-packages/pyspark"), None)


def why_not() -> str:
    """What is missing to run a cluster here; empty when nothing is."""
    if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
        return "no Java (17 or newer)"
    home = spark_home()
    if home is None or not (home / "bin" / "spark-class").exists():
        return "no Spark: `make spark` installs one, SPARK_HOME names another"
    return ""


@dataclass
class SparkCluster:
    """``with SparkCluster(folder) as cluster: cluster.remote`` is the address for clients.

    ``workers`` processes of one core each; executors are their children. Logs and tables are in ``folder``. A
    ``small`` cluster is for tests: it starts queries faster and runs them slower.
    """

    folder: Path
    workers: int = 2
    executor_memory: str = "1g"
    small: bool = False
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    remote: str = ""

    def __enter__(self) -> SparkCluster:
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _start(self) -> None:
        master, connect = _free_port(), _free_port()
        address = f"spark://{_HOST}:{master}"
        self._spawn(
            "master", "org.apache.spark.deploy.master.Master", "--host", _HOST, "--port", master, "--webui-port", 0
        )
        _wait_for(lambda: _answers(master), "the master", self.log("master"))
        for number in range(self.workers):
            arguments = ["--cores", 1, "--memory", self.executor_memory, "--webui-port", 0, "--host", _HOST]
            work = ["--work-dir", self.folder / f"work-{number}"]
            self._spawn(f"worker-{number}", "org.apache.spark.deploy.worker.Worker", *arguments, *work, address)
        settings = {
            "spark.connect.grpc.binding.address": _HOST,
            "spark.connect.grpc.binding.port": connect,
            "spark.executor.memory": self.executor_memory,
            "spark.driver.host": _HOST,
            "spark.driver.bindAddress": _HOST,
            "spark.sql.warehouse.dir": self.folder / "tables",
            "spark.sql.catalogImplementation": "in-memory",
            "spark.sql.shuffle.partitions": self.workers,
            "spark.ui.enabled": "false",
            **(_SMALL if self.small else {}),
            "spark.driver.extraJavaOptions": _JAVA,
            "spark.executor.extraJavaOptions": _JAVA,
        }
        options = [part for name, value in settings.items() for part in ("--conf", f"{name}={value}")]
        server = "org.apache.spark.sql.connect.service.SparkConnectServer"
        self._spawn(
            "connect",
            *("org.apache.spark.deploy.SparkSubmit", "--master", address, *options),
            *("--class", server, "spark-internal"),
        )
        _wait_for(lambda: _answers(connect), "Spark Connect", self.log("connect"))
        self.remote = f"sc://{_HOST}:{connect}"

    def _spawn(self, name: str, main_class: str, *arguments: object) -> None:
        home = spark_home()
        assert home is not None, why_not()
        configuration = self.folder / "conf"
        configuration.mkdir(parents=True, exist_ok=True)
        (configuration / "log4j2.properties").write_text(_LOGGING, encoding="utf-8")
        environment = {
            **os.environ,
            "SPARK_HOME": str(home),
            "SPARK_CONF_DIR": str(configuration),
            "SPARK_LOCAL_IP": _HOST,
            "SPARK_DAEMON_MEMORY": "512m",
            "SPARK_DAEMON_JAVA_OPTS": _JAVA,
        }
        with self.log(name).open("wb") as log:
            self.processes[name] = subprocess.Popen(
                [str(home / "bin" / "spark-class"), main_class, *map(str, arguments)],
                cwd=self.folder,
                env=environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def log(self, name: str) -> Path:
        return self.folder / f"{name}.log"

    def executors(self) -> list[int]:
        """Process ids of the executors, which the workers started."""
        workers = {process.pid for name, process in self.processes.items() if name.startswith("worker")}
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and _ancestors(int(entry.name)) & workers:
                command = _read(entry / "cmdline")
                if "CoarseGrainedExecutorBackend" in command:
                    found.append(int(entry.name))
        return sorted(found)

    def kill_worker(self, name: str) -> None:
        """End a worker and its executors at once, as when its machine goes away."""
        os.killpg(self.processes[name].pid, signal.SIGKILL)
        self.processes[name].wait()

    def stop(self) -> None:
        # The server first: it would look for new executors while its workers go.
        for process in reversed(self.processes.values()):
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:  # ended meanwhile
        return ""


def _ancestors(pid: int) -> set[int]:
    found: set[int] = set()
    while pid > 1:
        stat = _read(Path("/proc") / str(pid) / "stat")
        if not stat:
            break
        pid = int(stat.rpartition(")")[2].split()[1])
        found.add(pid)
    return found


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((_HOST, 0))
        return int(probe.getsockname()[1])


def _answers(port: int) -> bool:
    try:
        socket.create_connection((_HOST, port), timeout=1).close()
    except OSError:
        return False
    return True


def _wait_for(condition: Callable[[], bool], what: str, log: Path, seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"{what} does not answer; the end of {log}:\n{_read(log)[-2000:]}")
        time.sleep(0.2)


def main() -> None:
    parser = argparse.ArgumentParser(description="Start a Spark cluster on loopback; it ends with Ctrl-C.")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--memory", default="1g", help="memory of each executor")
    parser.add_argument("--folder", type=Path, required=True, help="for logs and tables")
    parser.add_argument("--small", action="store_true", help="for tables of some thousand rows")
    given = parser.parse_args()
    missing = why_not()
    if missing:
        sys.exit(f"Spark cannot run here: {missing}.")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with (
        SparkCluster(given.folder, given.workers, given.memory, given.small) as cluster,
        suppress(KeyboardInterrupt),
    ):
        print(f"GROWTH_WAREHOUSE__SPARK_REMOTE={cluster.remote}", flush=True)
        signal.pause()


if __name__ == "__main__":
    main()
