"""A mail server that keeps what it is given in a folder, one file a mail, and delivers nothing (RFC 5321)."""

from __future__ import annotations

import pathlib
import socketserver
import sys


class Session(socketserver.StreamRequestHandler):
    """One conversation: as much of SMTP as a mail needs."""

    folder = pathlib.Path("mails")

    def handle(self) -> None:
        """Take mails until the other side says QUIT."""
        self._say("220 sink")
        while line := self.rfile.readline(4096):
            word = line.split(None, 1)[0].upper() if line.strip() else b""
            if word == b"QUIT":
                return self._say("221 bye")
            if word == b"DATA":
                self._say("354 go on")
                self._keep()
            self._say("250 ok")
        return None

    def _keep(self) -> None:
        lines = []
        while (line := self.rfile.readline(65536)) not in (b".\r\n", b""):
            lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
        self.folder.mkdir(exist_ok=True)
        place = self.folder / f"{len(list(self.folder.iterdir())) + 1}.eml"
        place.write_bytes(b"".join(lines))

    def _say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())


def main() -> None:
    """Serve on 127.0.0.1, at the port and into the folder of the command line, until stopped."""
    port, Session.folder = int(sys.argv[1]), pathlib.Path(sys.argv[2])
    # One mail at a time: their files are numbered.
    with socketserver.TCPServer(("127.0.0.1", port), Session) as server:
        print(f"Mails go into {Session.folder}/", flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()
