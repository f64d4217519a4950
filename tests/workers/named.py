"""Apps for tests of who serves a task queue."""

from holdfast import Agent, App

_MODEL = "openai:scripted"

shop = App(name="shop", agents=[Agent("clerk", model=_MODEL)])
billing = App(name="billing", agents=[Agent("clerk", model=_MODEL)])
unnamed = App(agents=[Agent("clerk", model=_MODEL)])
with_another_agent = App(agents=[Agent("clerk", model=_MODEL), Agent("cashier", model=_MODEL)])
other_agents = App(agents=[Agent("driver", model=_MODEL)])
