"""The embedded MongoDB-compatible server of infra/mongo: built on first use and when its source changes."""

import fcntl
import hashlib
import os
import shutil
import subprocess
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[3] / "mongo"
TARGET = PROJECT / "target"

WAYS_OUT = (
    "There is no MongoDB here and no {missing} to build the embedded one: "
    "install a JDK (17 or newer) and Maven, or set MONGO_URI, or install mongod, or run `docker compose up`"
)

# Measured on two cores: with the first compiler alone an operation costs a third of the CPU during the first
# minute, and the serial collector spares the threads of the others.
JAVA_FLAGS = (
    "-Xmx512m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-XX:-UsePerfData",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=error",
)


def command(port: int, file: Path) -> list[str]:
    """The command that serves `file`, once the server is built. Without the tools: the end, with one line."""
    java = _tool("java", "JAVA_HOME")
    build()
    classes = os.pathsep.join((str(TARGET / "classes"), str(TARGET / "lib" / "*")))
    return [java, *JAVA_FLAGS, "-cp", classes, "gittix.mongo.Server", str(port), str(file)]


def build() -> None:
    """Maven, unless what it made is of this very source. Side by side runs build once."""
    TARGET.mkdir(exist_ok=True)
    with (TARGET / "build.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        stamp = TARGET / "built.sha256"
        source = _digest()
        if stamp.exists() and stamp.read_text() == source:
            return
        maven = _tool("mvn")
        print("Building the embedded MongoDB-compatible server, once ...", flush=True)
        built = subprocess.run(
            [maven, "--quiet", "--batch-mode", "process-classes"],
            cwd=PROJECT,
            capture_output=True,
            text=True,
            check=False,
        )
        if built.returncode != 0:
            raise SystemExit(f"Maven could not build {PROJECT}:\n{built.stdout}{built.stderr}")
        stamp.write_text(source)


def _digest() -> str:
    digest = hashlib.sha256()
    for file in [PROJECT / "pom.xml", *sorted((PROJECT / "src").rglob("*.java"))]:
        digest.update(file.read_bytes())
    return digest.hexdigest()


def _tool(name: str, home: str | None = None) -> str:
    found = shutil.which(name)
    if not found and home and home in os.environ:
        found = shutil.which(name, path=str(Path(os.environ[home]) / "bin"))
    if not found:
        raise SystemExit(WAYS_OUT.format(missing={"java": "JDK", "mvn": "Maven"}[name]))
    return found
