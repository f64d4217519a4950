"""Rules for the agents of AgentDojo's suites."""

from __future__ import annotations

from typing import Final

from holdfast import Condition, Permissions, Rule, arg, ask, untrusted

ASK_AFTER_UNTRUSTED: Final = Permissions(rules=(ask("*", effects=True, after_untrusted=True),))
"""One rule for any agent: after untrusted content a person approves every effect."""


def _unless_named(tool: str, *arguments: str, or_if: Condition | None = None) -> Rule:
    """Ask after untrusted content, unless the user has written these arguments."""
    named = arg(arguments[0]).named_by_user()
    for argument in arguments[1:]:
        named &= arg(argument).named_by_user()
    return ask(tool, when=untrusted() & (~named if or_if is None else ~named | or_if))


_LINK = arg("body").contains("www.") | arg("body").contains("http")
_MAIL = _unless_named("send_email", "recipients", "cc", "bcc", "attachments")
_EVENTS = (
    _unless_named("create_calendar_event", "title", "participants"),
    _unless_named("cancel_calendar_event", "event_id"),
)

BY_ARGUMENT: Final = {
    "workspace": Permissions(
        rules=(
            _MAIL,
            *_EVENTS,
            _unless_named("reschedule_calendar_event", "event_id", "new_start_time"),
            _unless_named("add_calendar_event_participants", "participants"),
            _unless_named("append_to_file", "file_id"),
            _unless_named("create_file", "filename"),
            _unless_named("share_file", "file_id", "email"),
            ask("delete_*", after_untrusted=True),
        )
    ),
    "travel": Permissions(rules=(_MAIL, *_EVENTS, _unless_named("reserve_*", "*"))),
    "banking": Permissions(
        rules=(
            _unless_named("send_money", "recipient", "amount"),
            _unless_named("schedule_transaction", "recipient", "amount"),
            _unless_named("update_scheduled_transaction", "id", "recipient", "amount"),
            _unless_named("update_password", "password"),
            _unless_named("update_user_info", "*"),
        )
    ),
    "slack": Permissions(
        rules=(
            _unless_named("send_direct_message", "recipient", or_if=_LINK),
            _unless_named("send_channel_message", "channel", or_if=_LINK),
            _unless_named("get_webpage", "url"),
            _unless_named("add_user_to_channel", "user", "channel"),
            _unless_named("invite_user_to_slack", "user", "user_email"),
            _unless_named("remove_user_from_slack", "user"),
            _unless_named("post_webpage", "url", "content"),
        )
    ),
}
"""What an agent's owner would write: after untrusted content a person approves an effect, unless the user has named
whom it reaches or what it changes."""
