#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Serve files of a folder on this machine, for tests of downloads.

usage: range_server.py FOLDER

Prints its port, and then a line a request: the path and the Range header, or "-". The first part of
a path says how the file is served: /whole/NAME answers no ranges, /ranges/NAME answers them,
/breaks/NAME answers them and ends each answer after 1,000 bytes, /cuts/NAME after 10, /slow/NAME sends 1,000 bytes and
then nothing for a minute, /moved/NAME redirects to /ranges/NAME. Ends with its standard input.
"""

import http.server
import os
import pathlib
import sys
import threading
import time

FOLDER = pathlib.Path(sys.argv[1])


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        asked = self.headers.get("Range")
        print(self.path, asked or "-", flush=True)
        _, way, name = self.path.split("/")
        if way == "moved":
            self.send_response(302)
            self.send_header("Location", f"/ranges/{name}")
            self.end_headers()
            return
        if not (FOLDER / name).is_file():
            self.send_error(404)
            return
        data = (FOLDER / name).read_bytes()
        first = 0
        if asked and way != "whole":
            first = int(asked.removeprefix("bytes=").rstrip("-"))
            if first >= len(data):
                self.send_error(416)
                return
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {first}-{len(data) - 1}/{len(data)}")
        else:
            self.send_response(200)
        self.send_header("Content-Length", str(len(data) - first))
        self.end_headers()
        count = {"breaks": 1000, "slow": 1000, "cuts": 10}.get(way, len(data))
        self.wfile.write(data[first : first + count])
        self.wfile.flush()
        if way == "slow":
            time.sleep(60)

    def log_message(self, *_: object) -> None:
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
print(server.server_address[1], flush=True)
threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
server.serve_forever()
