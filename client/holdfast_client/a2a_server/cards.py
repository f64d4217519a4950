"""The card of an agent."""

from importlib.metadata import version

from a2a.types import (
    AgentCapabilities,
    AgentCard,
    AgentInterface,
    AgentSkill,
    HTTPAuthSecurityScheme,
    SecurityRequirement,
    SecurityScheme,
    StringList,
)

from holdfast_workflows.contracts.operations.content import AgentInfo

_SCHEME = "bearer"


def card(agent: AgentInfo, url: str, *, secured: bool) -> AgentCard:
    """The card of an agent at ``url``; with ``secured``, requests need a bearer token."""
    about = agent.description or f"The agent {agent.name}."
    modes = ["text/plain"] if agent.output_schema is None else ["text/plain", "application/json"]
    made = AgentCard(
        name=agent.name,
        description=about,
        version=version("holdfast"),
        supported_interfaces=[
            AgentInterface(url=f"{url}{path}", protocol_binding=binding, protocol_version=protocol)
            for protocol in ("1.0", "0.3")
            for binding, path in (("JSONRPC", "/"), ("HTTP+JSON", ""))
        ],
        capabilities=AgentCapabilities(streaming=True, push_notifications=False, extended_agent_card=False),
        default_input_modes=["text/plain", "application/json"],
        default_output_modes=modes,
        skills=[AgentSkill(id=agent.name, name=agent.name, description=about, tags=["agent"])],
    )
    if secured:
        scheme = HTTPAuthSecurityScheme(scheme="bearer", description="A bearer token.")
        made.security_schemes[_SCHEME].CopyFrom(SecurityScheme(http_auth_security_scheme=scheme))
        made.security_requirements.append(SecurityRequirement(schemes={_SCHEME: StringList()}))
    return made
