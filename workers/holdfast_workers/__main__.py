"""``python -m holdfast_workers module:app``: a worker process, as ``holdfast dev`` starts it."""

import gc
import sys

gc.disable()  # until all is imported: collections take a fifth of that time

from holdfast_temporal.leaving import leave  # noqa: E402 # see above

from .process import main  # noqa: E402 # see above

leave(main(sys.argv[1]))
