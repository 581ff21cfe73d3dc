# SPDX-License-Identifier: MIT
"""Commitments computed by somebody else's HMAC, and what certificates say of them.

commit.py value SALT_HEX ROLE NAME FILE     the commitment under a run's salt
commit.py item SALT_HEX FILE                the commitment under an item's salt
commit.py of CERTIFICATE ROLE NAME          what the certificate holds for that item: "sha256 HEX" or "sandrunHmacSha256V1 HEX"
commit.py check CERTIFICATE OPENING ROLE NAME FILE     fails unless FILE is the item, by the opening
commit.py statement CERTIFICATE             the execution as JSON
commit.py leaks FOLDER... -- TEXT...        prints where TEXT, or its plain SHA-256, stands in any file below the folders
"""
import base64
import hashlib
import hmac
import json
import os
import sys


def mac(key, data):
    return hmac.new(key, data, hashlib.sha256).digest()


def item_salt(salt, role, name):
    return mac(salt, b"sandrun-commit-v1\0" + role.encode() + b"\0" + name.encode())


def payloads(path):
    with open(path, "rb") as f:
        for line in f:
            yield base64.b64decode(json.loads(line)["payload"])


def execution(path):
    found = [s for s in map(json.loads, payloads(path)) if s["predicateType"].endswith("/execution/v0.1")]
    assert len(found) == 1, found
    return found[0]


def digest_of(path, role, name):
    s = execution(path)
    plan, result = s["predicate"]["plan"], s["predicate"]["result"]
    if role in ("argv", "env"):
        return plan[role]["commitment"]
    if role == "input":
        return {i["name"]: i for i in plan["inputs"]}[name]["digest"]
    if role == "script":
        assert plan["script"]["name"] == name
        return plan["script"]["digest"]
    if role == "stdin":
        return result["stdin"]["digest"]
    return {i["name"]: i for i in s["subject"]}["out/" + name if role == "output" else name]["digest"]


def read(path):
    with open(path, "rb") as f:
        return f.read()


def needles(text):
    data = text.encode()
    for form in (data, data + b"\n"):
        digest = hashlib.sha256(form).digest()
        yield "the plain digest in hex", digest.hex().encode()
        yield "the plain digest in capital hex", digest.hex().upper().encode()
        yield "the plain digest in base64", base64.b64encode(digest).rstrip(b"=")[:-1]
        yield "the plain digest in URL-safe base64", base64.urlsafe_b64encode(digest).rstrip(b"=")[:-1]
        yield "the plain digest", digest
    yield "the data", data
    yield "the data in hex", data.hex().encode()
    for shift in range(3):  # base64 of a longer text around it
        coded = base64.b64encode(b"\0" * shift + data)
        yield "the data in base64", coded[(0, 2, 3)[shift]:].rstrip(b"=")[:-1]


def contents(folder):
    for at, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(at, name)
            if os.path.islink(path) or not os.path.isfile(path):
                continue
            data = read(path)
            yield path, os.fsencode(path) + b"\n" + data
            if path.endswith(".jsonl"):
                for payload in payloads(path):
                    yield path + " (payload)", payload


def leaks(folders, texts):
    for folder in folders:
        for path, data in contents(folder):
            for text in texts:
                for what, needle in needles(text):
                    if len(needle) > 3 and needle in data:
                        print(f"{path}: {what} of {text}")


def main(verb, *args):
    if verb == "value":
        print(mac(item_salt(bytes.fromhex(args[0]), args[1], args[2]), read(args[3])).hex())
    elif verb == "item":
        print(mac(bytes.fromhex(args[0]), read(args[1])).hex())
    elif verb == "of":
        ((name, value),) = digest_of(*args).items()
        print(name, value)
    elif verb == "check":
        certificate, opening, role, name, path = args
        (salt,) = [i["salt"] for i in json.loads(read(opening))["items"] if (i["role"], i["name"]) == (role, name)]
        value = mac(bytes.fromhex(salt), read(path)).hex()
        assert digest_of(certificate, role, name) == {"sandrunHmacSha256V1": value}, (role, name, value)
    elif verb == "statement":
        json.dump(execution(args[0]), sys.stdout)
    elif verb == "leaks":
        split = args.index("--")
        leaks(args[:split], args[split + 1:])
    else:
        sys.exit("what?")


main(*sys.argv[1:])
