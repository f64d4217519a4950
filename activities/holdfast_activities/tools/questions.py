"""Questions of tool servers, which a person answers before a call is made."""

from holdfast_workflows.contracts.errors import ToolFailed
from holdfast_workflows.contracts.session.steps import ToolQuestion


class InputNeeded(ToolFailed, retryable=False):
    """The tool needs a person's answer before this call."""

    def __init__(self, question: ToolQuestion) -> None:
        super().__init__(question.what)
        self.question = question
