"""Who is to be welcomed and who has been: one row a person, one mail a row.

A row is there before its mail is sent and is marked after it was taken, both in a database that outlives the program.
Between the two it belongs to one sender. A mail that was under way when the machine went down is sent again, with the
Message-ID that it had: mailboxes keep one of the two (RFC 5322 section 3.6.4).
"""

from __future__ import annotations

import hashlib
import smtplib
import sqlite3
import threading
import time
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.message import EmailMessage

TABLE = """
CREATE TABLE IF NOT EXISTS welcomed (
    iss TEXT NOT NULL, sub TEXT NOT NULL, email TEXT NOT NULL, name TEXT NOT NULL, sent_at INTEGER,
    PRIMARY KEY (iss, sub)
)
"""


class Mails:
    """The mails of one database and one mail server."""

    def __init__(self, database: str, server: tuple[str, int], sender: Address) -> None:
        self._database, self._server, self._sender = database, server, sender
        self._sending = threading.Lock()
        with self._open() as known:
            known.execute(TABLE)

    def _open(self) -> sqlite3.Connection:
        return sqlite3.connect(self._database, timeout=10)

    def note(self, iss: str, sub: str, email: str, name: str) -> None:
        """Note somebody; whoever is noted already stays as they are."""
        with self._open() as known:
            known.execute("INSERT OR IGNORE INTO welcomed VALUES (?, ?, ?, ?, NULL)", (iss, sub, email, name))

    def send(self) -> None:
        """Send every mail that was not sent; what the server does not take waits for the next time."""
        with self._sending, self._open() as known:
            for iss, sub, email, name in known.execute(
                "SELECT iss, sub, email, name FROM welcomed WHERE sent_at IS NULL"
            ).fetchall():
                try:
                    with smtplib.SMTP(*self._server, timeout=10) as mail:
                        mail.send_message(self._letter(iss, sub, email, name))
                except (OSError, HeaderParseError, ValueError):
                    continue
                known.execute("UPDATE welcomed SET sent_at = ? WHERE iss = ? AND sub = ?", (int(time.time()), iss, sub))
                known.commit()

    def _letter(self, iss: str, sub: str, email: str, name: str) -> EmailMessage:
        letter = EmailMessage()
        letter["From"] = self._sender
        # The address is taken apart before it is written: one that holds two is none.
        letter["To"] = Address(name, addr_spec=email)
        letter["Subject"] = f"Welcome, {name}" if name else "Welcome"
        marked = hashlib.sha256(f"{iss}\0{sub}".encode()).hexdigest()[:32]
        letter["Message-ID"] = f"<welcome.{marked}@{self._sender.domain}>"
        letter.set_content(f"Hello {name or 'there'},\n\nthis is your account at the Example shop.\n")
        return letter
