"""Receives HTML form uploads with the form parser of Python's own standard library, which knows nothing of Ropeway.

usage: form_receiver.py FOLDER
Prints its port. Files arrive in FOLDER under the names the form gives; 201 when one is whole.
"""
import sys, warnings
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

warnings.simplefilter("ignore", DeprecationWarning)
import cgi

FOLDER = Path(sys.argv[1])


class ToFolder(cgi.FieldStorage):
    """Writes file fields straight to the folder; small fields stay in memory."""

    def make_file(self):
        return open(FOLDER / Path(self.filename).name, "wb+") if self.filename else super().make_file()


class Receiver(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        variables = {"REQUEST_METHOD": "POST"}
        form = ToFolder(self.rfile, self.headers, environ=variables)
        whole = "file" in form and form["file"].done != -1
        form["file"].file.close() if whole else None
        self.send_response(201 if whole else 400)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *arguments):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
print(server.server_address[1], flush=True)
server.serve_forever()
