"""The start of the ``holdfast`` script."""

import sys


def main() -> None:
    """Run the command line, of which a Ctrl-C during the imports is one line, too."""
    try:
        from .main import main as run  # slow to import
    except KeyboardInterrupt:
        sys.stderr.write("holdfast: interrupted\n")
        sys.exit(130)
    run()
