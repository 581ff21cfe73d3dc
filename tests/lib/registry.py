# SPDX-License-Identifier: MIT
"""A registry of packages on this machine, for npm and for pip: python3 registry.py FOLDER PORTFILE

FOLDER/npm/NAME-VERSION/ are npm packages as folders, FOLDER/wheels/ holds wheels. What was asked for goes to
FOLDER/requests. A request for /hang is never answered. Stands until it is killed.
"""
import base64
import gzip
import hashlib
import http.server
import io
import json
import os
import re
import sys
import tarfile
import time

folder, port_file = sys.argv[1:3]


def tarball(path):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name in sorted(os.listdir(path)):
            info = tarfile.TarInfo("package/" + name)
            with open(os.path.join(path, name), "rb") as f:
                data = f.read()
            info.size, info.mode = len(data), 0o644
            tar.addfile(info, io.BytesIO(data))
    return gzip.compress(out.getvalue(), mtime=0)


class Registry(http.server.BaseHTTPRequestHandler):
    def log_message(self, *args):
        pass

    def answer(self, data, kind):
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def package(self, name):
        versions = {}
        for entry in sorted(os.listdir(folder + "/npm")):
            m = re.fullmatch(re.escape(name) + r"-(\d+\.\d+\.\d+)", entry)
            if not m:
                continue
            path = folder + "/npm/" + entry
            data = tarball(path)
            with open(path + "/package.json") as f:
                about = json.load(f)
            about["dist"] = {
                "tarball": "http://%s/tarball/%s.tgz" % (self.headers["Host"], entry),
                "integrity": "sha512-" + base64.b64encode(hashlib.sha512(data).digest()).decode(),
            }
            if "postinstall" in about.get("scripts", {}):
                about["hasInstallScript"] = True
            versions[m.group(1)] = about
        return {"name": name, "dist-tags": {"latest": max(versions)}, "versions": versions} if versions else None

    def do_GET(self):
        with open(folder + "/requests", "a") as f:
            f.write(self.path + "\n")
        path = self.path.split("?")[0].strip("/")
        if path == "hang" or path.startswith("hang/"):
            time.sleep(600)
        elif path.startswith("tarball/"):
            self.answer(tarball(folder + "/npm/" + path[8:-4]), "application/octet-stream")
        elif path.startswith("simple/"):
            name = path[7:]
            files = [w for w in sorted(os.listdir(folder + "/wheels")) if w.split("-")[0].replace("_", "-") == name]
            links = "".join('<a href="/wheel/%s">%s</a><br>' % (w, w) for w in files)
            self.answer(("<!DOCTYPE html><html><body>%s</body></html>" % links).encode(), "text/html")
        elif path.startswith("wheel/"):
            with open(folder + "/wheels/" + path[6:], "rb") as f:
                self.answer(f.read(), "application/zip")
        else:
            about = self.package(path.replace("%2f", "/"))
            if about:
                self.answer(json.dumps(about).encode(), "application/json")
            else:
                self.send_error(404)


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Registry)
with open(port_file + ".new", "w") as f:
    f.write(str(server.server_port))
os.rename(port_file + ".new", port_file)
server.serve_forever()
