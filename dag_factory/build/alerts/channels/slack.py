"""Slack through Airflow's Slack provider: with a bot token, or with an incoming webhook."""

from __future__ import annotations

from typing import Any

from dag_factory.build.alerts.channels.channel_error import ChannelError, not_installed
from dag_factory.build.alerts.channels.connection import connection_id, find_connection
from dag_factory.build.alerts.render import Message
from dag_factory.build.alerts.text import one_line, without_urls
from dag_factory.config.model import Channel

LONGEST_TEXT = 3500
_SECONDS = 10

_FIXES = {
    "channel_not_found": "check the name of the channel; a private channel must invite the bot",
    "not_in_channel": "invite the bot: type `/invite @NAME` in the channel",
    "invalid_auth": "set the bot's token, which begins with xoxb-, as password of the connection",
    "not_authed": "set the bot's token, which begins with xoxb-, as password of the connection",
    "token_revoked": "create a new token, and set it as password of the connection",
    "account_inactive": "create a new token, and set it as password of the connection",
    "missing_scope": "give the bot the scope `chat:write`",
    "is_archived": "name a channel that is not archived",
    "ratelimited": "wait; Slack limits the number of messages",
    "no_service": "the webhook was deleted: create a new one",
    "invalid_token": "create a new webhook, and set it as password of the connection",
}


def send(channel: Channel, message: Message) -> str:
    """Post the message to the channel."""
    try:
        from airflow.providers.slack.hooks.slack import SlackHook
        from airflow.providers.slack.hooks.slack_webhook import SlackWebhookHook
    except ImportError:
        raise not_installed("apache-airflow-providers-slack") from None
    connection = find_connection(channel, ("slack", "slackwebhook"))
    text, name = slack_text(message), connection_id(channel)
    try:
        if connection.conn_type == "slackwebhook":
            SlackWebhookHook(slack_webhook_conn_id=name, timeout=_SECONDS).send_text(text)
            return "message to Slack through a webhook, which decides the channel"
        SlackHook(slack_conn_id=name, timeout=_SECONDS).call(
            "chat.postMessage", json={"channel": channel.channel, "text": text, "unfurl_links": False}
        )
    except Exception as error:
        raise _explain(error) from error
    return f"message to the Slack channel {channel.channel}"


def slack_text(message: Message) -> str:
    """The plain text with a bold subject, in Slack's format."""
    body = message.text.partition("\n")[2].strip()[:LONGEST_TEXT]
    return f"*{_escape(message.subject)}*\n{_escape(body)}"


def _escape(text: str) -> str:
    """Escape what Slack would read as a mention or a link."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _explain(error: Exception) -> ChannelError:
    """The error with its fix. The URL of a webhook is a secret, so the error does not show it."""
    response: Any = getattr(error, "response", None)
    data = getattr(response, "data", None)
    reason = data.get("error", "") if isinstance(data, dict) else ""
    if reason:
        return ChannelError(f"Slack answers `{one_line(reason, 100)}`", _FIXES.get(reason, "look it up in Slack's API"))
    detail = one_line(without_urls(str(error)), 300)
    fix = next((fix for word, fix in _FIXES.items() if word in detail), "check host and password of the connection")
    return ChannelError(f"cannot send to Slack: {type(error).__name__}: {detail}", fix)
