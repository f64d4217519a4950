"""``python -m benchmarks.encryption``: what encryption costs a run, and a payload.

Two worker processes serve the same app on one server: one has keys, the other has none. They are measured in turn.
"""

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from contextlib import AsyncExitStack
from pathlib import Path
from uuid import uuid4

from temporalio.api.common.v1 import Payload

from holdfast.testing import ScriptedModel
from holdfast_client import Client, connect
from holdfast_temporal import Connection, DevServer
from holdfast_temporal import connect as connect_temporal
from holdfast_temporal.encryption import key_file
from holdfast_temporal.encryption.codec import EncryptionCodec
from holdfast_temporal.encryption.keyring import Keyring

from .steps.app import PRICES, TENANT
from .steps.processes import python

_AGENTS = {"ordinary-guarded": "keep", "inline-guarded": "peek"}
_SIZES = (200, 2_000, 20_000, 200_000)
_TIMES = 500


async def main(rounds: int, steps: int) -> None:
    """Measure, and print a line for each figure."""
    async with AsyncExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="holdfast-bench-")))
        key_file.write(home / "keys", [key_file.new_key()])
        keys = f"file:{home / 'keys'}"
        await _payloads(Keyring(keys))
        server = await stack.enter_async_context(DevServer(home, ui=False))
        model = stack.enter_context(ScriptedModel.spawn("benchmarks.steps.script:script"))
        clients: dict[str, Client] = {}
        for name, reference in (("clear", ""), ("encrypted", keys)):
            environment = {
                "HOLDFAST_TEMPORAL_ADDRESS": server.address,
                "HOLDFAST_TASK_QUEUE": name,
                "HOLDFAST_HOME": str(home / name),
                "HOLDFAST_KEYS": reference,
                "OPENAI_BASE_URL": model.openai_url,
                "OPENAI_API_KEY": "bench",
                "HOLDFAST_PROVIDERS": json.dumps(
                    {"limited": {"kind": "openai", "base_url": model.openai_url}}
                ),
                "HOLDFAST_PRICES": PRICES,
            }
            command = ("-m", "holdfast_workers", "benchmarks.steps.app:app")
            await stack.enter_async_context(python(*command, log=home / f"{name}.log", **environment))
            temporal = await connect_temporal(server.address, settings=Connection(keys=reference))
            clients[name] = await connect(temporal=temporal, task_queue=name, timeout=60)
        for agent in _AGENTS:
            await _runs(agent, clients, rounds, steps)


async def _runs(agent: str, clients: dict[str, Client], rounds: int, steps: int) -> None:
    taken: dict[str, list[float]] = {name: [] for name in clients}
    for number in range(rounds + 1):
        for name, client in clients.items():
            seconds = await _run(agent, client, steps)
            if number:  # the first one warms up
                taken[name].append(seconds)
    clear, encrypted = (1_000 * statistics.median(each) / steps for each in taken.values())
    ratio = statistics.median(b / a for a, b in zip(*taken.values(), strict=True))
    print(f"{agent}, {steps} steps: {clear:.2f} ms a step, encrypted {encrypted:.2f} ms, ratio {ratio:.3f}")


async def _run(agent: str, client: Client, steps: int) -> float:
    id = uuid4().hex
    begun = time.perf_counter()
    prompt = f"bench {id} steps={steps} calls=1 tool={_AGENTS[agent]}"
    reply = await client.run(agent, prompt, id=id, tenant=TENANT)
    assert reply == "Done."
    return time.perf_counter() - begun


async def _payloads(keyring: Keyring) -> None:
    codec = EncryptionCodec(keyring, "default")
    for size in _SIZES:
        payload = Payload(metadata={"encoding": b"json/plain"}, data=b"x" * size)
        there, back = list[float](), list[float]()
        for _ in range(_TIMES):
            begun = time.perf_counter()
            encrypted = await codec.encode([payload])
            between = time.perf_counter()
            await codec.decode(encrypted)
            back.append(time.perf_counter() - between)
            there.append(between - begun)
        print(
            f"payload of {size} bytes: encrypt {1e6 * statistics.median(there):.1f} µs, "
            f"decrypt {1e6 * statistics.median(back):.1f} µs"
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20, help="runs of each kind (20)")
    parser.add_argument("--steps", type=int, default=20, help="model calls that ask for tools (20)")
    options = parser.parse_args()
    asyncio.run(main(options.rounds, options.steps))
