"""An App whose code tool has no interpreter on any worker."""

from holdfast import Agent, App, CodeTool

app = App(agents=[Agent("coder", model="openai:scripted", tools=[CodeTool(python="/no/such/python")])])
