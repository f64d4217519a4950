"""The end of a process that used the SDK."""

import asyncio
import sys

import pytest


@pytest.mark.parametrize("code", [0, 4])
async def test_leave_flushes_output_and_keeps_the_exit_code(code: int) -> None:
    program = (
        "import atexit, sys; from holdfast_temporal.leaving import leave;"
        "atexit.register(lambda: print('never reached'));"
        f"sys.stdout.write('out'); sys.stderr.write('err'); leave({code})"
    )
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", program, stdout=pipe, stderr=pipe)
    out, err = await asyncio.wait_for(process.communicate(), 60)
    assert (process.returncode, out, err) == (code, b"out", b"err")
