"""The client's package: late, quiet, and said plainly where it is missing."""

import subprocess
import sys

OPEN = """
import asyncio
from holdfast_activities.memory.weaviate import open_weaviate, parse
"""


def run(code: str) -> str:
    """What a Python of its own, in which warnings are errors, prints last."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    return (done.stdout + done.stderr).strip().splitlines()[-1]


def test_the_client_is_not_imported_before_a_store_is_opened() -> None:
    assert run(f"import sys{OPEN}print('weaviate' in sys.modules)") == "False"


def test_importing_the_client_gives_no_warning_and_changes_no_filter() -> None:
    # Without httpx2 the client's own imports warn.
    code = f"""
import sys, warnings
import numpy  # it has filters of its own
sys.modules['httpx2'] = None
{OPEN}
before = list(warnings.filters)
asyncio.run(open_weaviate(parse('weaviate://localhost', {{}})))
assert 'weaviate' in sys.modules
print(warnings.filters == before)
"""
    assert run(code) == "True"


def test_without_the_client_the_error_says_what_to_install() -> None:
    code = f"""
import sys
sys.modules['weaviate'] = None
{OPEN}
asyncio.run(open_weaviate(parse('weaviate://localhost', {{}})))
"""
    said = run(code)
    assert "SettingsInvalid" in said
    assert 'pip install "holdfast[weaviate]"' in said
