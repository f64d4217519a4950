"""An App whose agent has the remote agent of HOLDFAST_TEST_A2A."""

from __future__ import annotations

import json
import os

from holdfast import A2AAgent, Agent, App

given = json.loads(os.environ["HOLDFAST_TEST_A2A"])
remote = A2AAgent("ask_remote", request_timeout=1, **given)
app = App(agents=[Agent("clerk", model="openai:scripted", tools=[remote])])
