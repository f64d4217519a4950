"""``python -m holdfast_workers module:app``: a worker process, as ``holdfast dev`` starts it."""

import sys

from .process import main

sys.exit(main(sys.argv[1]))
