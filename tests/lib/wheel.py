# SPDX-License-Identifier: MIT
"""Makes a wheel: python3 wheel.py FOLDER NAME VERSION FILE=TEXT... [requires=NAME]"""
import base64
import hashlib
import sys
import zipfile

folder, name, version = sys.argv[1:4]
info = "%s-%s.dist-info" % (name, version)
requires = [a[9:] for a in sys.argv[4:] if a.startswith("requires=")]
files = dict(a.split("=", 1) for a in sys.argv[4:] if not a.startswith("requires="))
files[info + "/METADATA"] = "Metadata-Version: 2.1\nName: %s\nVersion: %s\n%s" % (
    name, version, "".join("Requires-Dist: %s\n" % r for r in requires))
files[info + "/WHEEL"] = "Wheel-Version: 1.0\nGenerator: sandrun-tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
record = ""
path = "%s/%s-%s-py3-none-any.whl" % (folder, name, version)
with zipfile.ZipFile(path, "w") as z:
    for at, text in sorted(files.items()):
        data = text.encode()
        z.writestr(at, data)
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        record += "%s,sha256=%s,%d\n" % (at, digest, len(data))
    z.writestr(info + "/RECORD", record + info + "/RECORD,,\n")
with open(path, "rb") as f:
    print(hashlib.sha256(f.read()).hexdigest())
