"""Email through Airflow's SMTP provider."""

from __future__ import annotations

import smtplib
import socket
import ssl
from email.message import EmailMessage
from typing import Any

from dag_factory.build.alerts.channels.channel_error import ChannelError, not_installed
from dag_factory.build.alerts.channels.connection import command, connection_id, find_connection
from dag_factory.build.alerts.render import Message
from dag_factory.build.alerts.text import one_line
from dag_factory.config.model import Channel


def send(channel: Channel, message: Message) -> str:
    """Send the message to all addresses of the channel."""
    try:
        from airflow.providers.smtp.hooks.smtp import SmtpHook
    except ImportError:
        raise not_installed("apache-airflow-providers-smtp") from None
    connection = find_connection(channel, ("smtp",))
    sender = connection.extra_dejson.get("from_email")
    if not sender:
        fix = f'set `from_email` in its extra: {{"from_email": "airflow@example.com"}}; see: {command(channel)}'
        raise ChannelError(f"the Airflow connection `{connection_id(channel)}` has no sender", fix)
    server = f"{connection.host}:{connection.port or 'default port'}"
    try:
        with SmtpHook(connection_id(channel), auth_type=connection.extra_dejson.get("auth_type", "basic")) as hook:
            # ``send_email_smtp`` sends HTML only, and without a message ID.
            client: Any = hook._smtp_client
            client.send_message(_email(message, str(sender), channel.to))
    except Exception as error:
        raise _explain(error, server) from error
    count = len(channel.to)
    return f"email to {count} address{'' if count == 1 else 'es'} through {server}"


def _email(message: Message, sender: str, addresses: tuple[str, ...]) -> EmailMessage:
    email = EmailMessage()
    email["Subject"], email["From"], email["To"] = message.subject, sender, ", ".join(addresses)
    email["Auto-Submitted"] = "auto-generated"  # so that nobody's absence notice answers
    email.set_content(message.text)
    email.add_alternative(message.html, subtype="html")
    return email


def _explain(error: Exception, server: str) -> ChannelError:
    """The error with its fix. Answers of mail servers contain no secret."""
    detail = one_line(error, 300)
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return ChannelError(
            f"{server} rejects the login ({error.smtp_code})", "check login and password of the connection"
        )
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        refused = ", ".join(f"{name} ({code})" for name, (code, _) in sorted(error.recipients.items())[:5])
        return ChannelError(f"{server} refuses the addresses {refused}", "check the addresses of the channel")
    if isinstance(error, ssl.SSLError):
        fix = 'for a port that speaks STARTTLS (587), set `"disable_ssl": true` in the extra of the connection'
        return ChannelError(f"{server} does not speak TLS as expected: {detail}", fix)
    if isinstance(error, TimeoutError):
        return ChannelError(f"{server} does not answer", "check host, port and firewall")
    if isinstance(error, smtplib.SMTPNotSupportedError):
        fix = 'set `"disable_tls": true` in the extra of the connection if the server has no STARTTLS'
        return ChannelError(f"{server}: {detail}", fix)
    if isinstance(error, (ConnectionError, socket.gaierror, smtplib.SMTPServerDisconnected, smtplib.SMTPConnectError)):
        return ChannelError(f"cannot connect to {server}: {detail}", "check host and port of the connection")
    return ChannelError(f"{server}: {detail}", "read the answer of the mail server")
