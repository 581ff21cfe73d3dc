#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""
Verifies a sandrun certificate with python3-cryptography and Python's own library: nothing of sandrun's.

    verify.py [--nonce HEX] [--audience NAME] [--trace LOG] CERTIFICATE IDENTITY.pub.pem

Exit status: 0 every check holds, 1 one fails, 2 malformed.
"""
import argparse
import base64
import hashlib
import json
import re
import sys

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

TYPE = "application/vnd.in-toto+json"
STATEMENT = "https://in-toto.io/Statement/v1"
OUTCOMES = ("exited", "signaled", "limit", "setup-failed", "killed")
ASSURANCES = ("self-asserted", "simulated-quote", "quote-present")
PREFIX = bytes.fromhex("302a300506032b6570032100")
KINDS = {f"https://sandrun.io/{k}/v0.1": k for k in ("run-open", "execution", "run-close")}
P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P


class Failed(Exception):
    pass


class Malformed(Exception):
    pass


def check(held, what):
    if not held:
        raise Failed(what)
    print("ok", what)


# --- reading ------------------------------------------------------------------------------------------------------------

def members(pairs):
    if len(pairs) != len(dict(pairs)):
        raise Malformed("a member stands twice")
    return dict(pairs)


def depth(o):
    inner = o.values() if isinstance(o, dict) else o if isinstance(o, list) else ()
    return 1 + max(map(depth, inner), default=0)


def integer(text):
    if abs(int(text)) >= 1 << 53:
        raise Malformed("a number that is no exact integer")
    return int(text)


def refused(text):
    raise Malformed("a number that is no integer")


def parse(data):
    try:
        text = data.decode("utf-8", "strict")
        o = json.loads(text, object_pairs_hook=members, parse_int=integer, parse_float=refused, parse_constant=refused)
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as e:
        raise Malformed(e) from None
    if not isinstance(o, dict) or depth(o) > 33:
        raise Malformed("not an object, or nested too deeply")
    if re.search(r"(?<!\\)(?:\\\\)*\\u0000", text):
        raise Malformed("a NUL in a text")
    return o


def decode(text):
    standard = text.replace("-", "+").replace("_", "/")
    if re.search("[-_]", text) and re.search("[+/]", text):
        raise Malformed("two base64 alphabets")
    try:
        data = base64.b64decode(standard, validate=True)
    except ValueError as e:
        raise Malformed(e) from None
    if base64.b64encode(data).decode() != standard:
        raise Malformed("bad base64")
    return data


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def pae(payload, payload_type=TYPE):
    return b"DSSEv1 %d %s %d " % (len(payload_type), payload_type.encode(), len(payload)) + payload


def canonical(o):
    text = json.dumps(o, separators=(",", ":"), sort_keys=True, ensure_ascii=False)
    return re.sub(r"\\(u[0-9a-f]{4}|.)", lambda m: m[0] if len(m[1]) == 1 else "\\u" + m[1][1:].upper(), text).encode()


# --- keys: RFC 8032, 5.1.3 and 5.1.4; the library takes points that must not be taken -------------------------------------

def add(a, b):
    (x1, y1), (x2, y2) = a, b
    k = D * x1 * x2 * y1 * y2 % P
    return ((x1 * y2 + x2 * y1) * pow(1 + k, P - 2, P) % P, (y1 * y2 + x1 * x2) * pow(1 - k, P - 2, P) % P)


def times(n, point):
    result = (0, 1)
    while n:
        if n & 1:
            result = add(result, point)
        point, n = add(point, point), n >> 1
    return result


def in_main_subgroup(raw):
    number = int.from_bytes(raw, "little")
    y, sign = number & (2**255 - 1), number >> 255
    if y >= P:
        return False
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    if (x * x - square) % P or (x == 0 and sign):
        return False
    if x & 1 != sign:
        x = P - x
    return (x, y) != (0, 1) and times(ORDER, (x, y)) == (0, 1)


class Key:
    def __init__(self, spki):
        if len(spki) != 44 or not spki.startswith(PREFIX):
            raise Malformed("no Ed25519 key")
        check(in_main_subgroup(spki[12:]), "a public key that may be used")
        self.id, self.key = sha256(spki), Ed25519PublicKey.from_public_bytes(spki[12:])

    def check(self, name, payload, sig):
        try:
            self.key.verify(sig, pae(payload))
        except InvalidSignature:
            raise Failed(f"{name}: signature") from None
        print("ok", f"{name}: signature")


def read_pem(path):
    with open(path, encoding="ascii") as f:
        m = re.fullmatch(r"-----BEGIN PUBLIC KEY-----\n([A-Za-z0-9+/=\n]+)-----END PUBLIC KEY-----\n", f.read())
    if not m:
        raise Malformed("no public key in PEM")
    return Key(decode(m[1].replace("\n", "")))


# --- the bundle -------------------------------------------------------------------------------------------------------------

def read_bundle(path):
    with open(path, "rb") as f:
        data = f.read(1 << 24)
        if f.read(1):
            raise Malformed("too large")
    found = {}
    for line in data.split(b"\n"):
        if not line and data.endswith(b"\n"):
            continue
        envelope = parse(line)
        if "payload" not in envelope and "payloadType" not in envelope:
            continue
        if envelope["payloadType"] != TYPE:
            raise Malformed("another payloadType")
        payload = decode(envelope["payload"])
        statement = parse(payload)
        kind = KINDS.get(statement.get("predicateType"))
        if not kind:
            continue
        if statement["_type"] != STATEMENT:
            raise Malformed(f"{kind}: another _type")
        if kind in found:
            raise Failed(f"{kind} twice")
        if len(envelope["signatures"]) != 1:
            raise Malformed(f"{kind}: not one signature")
        found[kind] = (payload, decode(envelope["signatures"][0]["sig"]))
    if not data:
        raise Malformed("empty")
    if len(found) != 3:
        raise Failed("a line is missing")
    return found


def whole(value):
    """True is 1 to Python."""
    return value is None or type(value) is int


def check_form(o, e, c):
    r = e["result"]
    if not (all(isinstance(p["runId"], str) for p in (o, e, c)) and all(whole(p["sequence"]["counter"]) for p in (o, c)) and
            type(c["ephemeralKey"]["signaturesIssued"]) is int and e["plan"]["network"] == "none" and
            r["outcome"] in OUTCOMES and whole(r["exitCode"]) and whole(r["signal"]) and e["assurance"] in ASSURANCES):
        raise Malformed("a field has not the form that it must have")


def digest_set(d):
    return len(d) == 1 and list(d)[0] in ("sha256", "sandrunHmacSha256V1") and re.fullmatch("[0-9a-f]{64}", list(d.values())[0])


def check_links(found, identity, ephemeral):
    statements = {k: parse(v[0]) for k, v in found.items()}
    o, e, c = (statements[k]["predicate"] for k in ("run-open", "execution", "run-close"))
    check_form(o, e, c)
    opened, executed = sha256(found["run-open"][0]), sha256(found["execution"][0])
    check(o["worker"]["identityKeyId"] == identity.id, "run-open: this identity")
    check(statements["run-open"]["subject"][0]["digest"] == {"sha256": ephemeral.id}, "run-open: subject")
    check(e["runOpen"]["digest"] == {"sha256": opened} == c["runOpen"]["digest"], "both belong to this run-open")
    check(statements["execution"]["subject"][0] == {"digest": {"sha256": opened}, "name": "run"}, "execution: subject")
    check(statements["run-close"]["subject"][0]["digest"] == {"sha256": executed}, "run-close: this execution")
    check(o["runId"] == e["runId"] == c["runId"], "one run id")
    check(o["challenge"] == e["challenge"], "one challenge")
    check(o["sequence"]["counter"] == c["sequence"]["counter"], "one counter")
    check([c["ephemeralKey"][k] for k in ("keyId", "state", "signaturesIssued")] == [ephemeral.id, "zeroed", 1], "key destroyed")
    check(o["plan"]["digest"] == {"sha256": sha256(canonical(e["plan"]))}, "the plan of run-open")
    report = hashlib.sha512(pae(found["run-open"][0], "application/vnd.sandrun.report-data.v1")).hexdigest()
    check(all(a["reportData"] == report for a in e["attestation"]), "evidence made for this run")
    return statements["execution"], o


def check_sense(execution, o):
    e, r = execution["predicate"], execution["predicate"]["result"]
    digests = execution["subject"] + e["plan"]["inputs"] + [x for x in (e["plan"]["script"], r["stdin"]) if x]
    names = [s["name"] for s in execution["subject"]]
    if not all(digest_set(d["digest"]) for d in digests):
        raise Malformed("a digest is neither one SHA-256 nor one commitment")
    check(len(set(names)) == len(names), "no subject twice")
    check(not any(n.startswith("/") or ".." in n.split("/") for n in names), "no name that leads out")
    check(r["exitCode"] is None or r["signal"] is None, "no exit code beside a signal")
    check((r["outcome"] == "exited") == (r["exitCode"] is not None), "exit code fits outcome")
    check((r["outcome"] == "setup-failed") == (r["error"] is not None), "error fits outcome")
    check((r["outcome"] == "limit") == (r["limitHit"] is not None), "limit fits outcome")
    start = r["startedAt"] or r["finishedAt"]
    check(o["issuedAt"] <= start <= r["finishedAt"] and o["issuedAt"] <= o["expiresAt"], "times")
    check((e["assurance"] == "self-asserted") == (e["attestation"] == []), "assurance fits evidence")
    check(e["assurance"] != "quote-present" or not any(a["simulated"] for a in e["attestation"]), "nothing simulated counts")


def tree(lines):
    """RFC 6962, 2.1."""
    if len(lines) <= 1:
        return hashlib.sha256(b"".join(b"\0" + x for x in lines)).digest()
    half = 1 << (len(lines) - 1).bit_length() - 1
    return hashlib.sha256(b"\1" + tree(lines[:half]) + tree(lines[half:])).digest()


def check_trace(trace, path):
    with open(path, "rb") as f:
        log = f.read()
    check(trace is not None and trace["digest"] == {"sha256": sha256(log)}, "trace: the log that was signed")
    lines = log.split(b"\n")[:-1]
    check(log.endswith(b"\n") and trace["treeSize"] == len(lines), "trace: its size")
    check(trace["rootHash"] == tree(lines).hex(), "trace: the tree's root")
    check(trace["complete"] == (trace["dropped"] == 0), "trace: complete or not")


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--nonce")
    p.add_argument("--audience")
    p.add_argument("--trace")
    p.add_argument("certificate")
    p.add_argument("identity")
    a = p.parse_args()
    identity, found = read_pem(a.identity), read_bundle(a.certificate)
    identity.check("run-open", *found["run-open"])
    ephemeral = Key(decode(parse(found["run-open"][0])["predicate"]["ephemeralKey"]["spki"]))
    ephemeral.check("execution", *found["execution"])
    identity.check("run-close", *found["run-close"])
    execution, o = check_links(found, identity, ephemeral)
    check_sense(execution, o)
    challenge = o["challenge"] or {}
    check(a.nonce in (None, challenge.get("nonce")), "the nonce")
    check(a.audience in (None, challenge.get("audience")), "the audience")
    if a.trace:
        check_trace(execution["predicate"]["trace"], a.trace)
    print("assurance", execution["predicate"]["assurance"])


if __name__ == "__main__":
    try:
        main()
    except Failed as e:
        sys.stdout.flush()
        print("FAILED", e)
        sys.exit(1)
    except (Malformed, KeyError, TypeError, IndexError, AttributeError, OSError, ValueError) as e:
        print("MALFORMED", repr(e))
        sys.exit(2)
