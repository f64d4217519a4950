"""``python -m holdfast_workers module:app``: a worker process; ``holdfast dev`` adds a descriptor for reports."""

import gc
import sys

gc.disable()  # until all is imported: collections take a fifth of that time


def _main() -> int:
    if len(sys.argv) > 2:
        from .dev import standby  # loads the App before the worker's own libraries

        return standby.main(sys.argv[1], int(sys.argv[2]))
    from .process import main

    return main(sys.argv[1])


code = _main()

from holdfast_temporal.leaving import leave  # noqa: E402 # slow to import: the App comes first

leave(code)
