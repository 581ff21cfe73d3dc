#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes certificates with keys of its own, good ones and tampered ones. Nothing of sandrun's is used.

    forge.py DIR            every case as DIR/NAME.jsonl; what goes with it as DIR/NAME.*; keys as DIR/*.pem
    forge.py --list         the names of the cases, one a line, with the good certificate each differs from

A case changes a good certificate at one point: its predicates before anything is linked and signed ("facts"), the linked
statements before they are signed ("linked"), the signed envelopes ("envelopes"), or the file's bytes ("bytes").
"""
import base64
import copy
import hashlib
import hmac
import json
import os
import struct
import sys

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

TYPE = "application/vnd.in-toto+json"
OPEN, EXECUTION, CLOSE = ("https://sandrun.io/%s/v0.1" % n for n in ("run-open", "execution", "run-close"))
SPKI = bytes.fromhex("302a300506032b6570032100")
ORDER = 2**252 + 27742317777372353535851937790883648493
NONCE = "2faf92280cb3c61a83b9a877e0745096694fca0b5392c3a08290e2d556df634d"


def key(seed):
    return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(b"sandrun test key " + seed).digest())


def raw(k):
    return k.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)


def spki(k):
    return SPKI + (k if isinstance(k, bytes) else raw(k))


def keyid(k):
    return hashlib.sha256(spki(k)).hexdigest()


def pem(k):
    return "-----BEGIN PUBLIC KEY-----\n%s\n-----END PUBLIC KEY-----\n" % base64.b64encode(spki(k)).decode()


def sha(data):
    return hashlib.sha256(data).hexdigest()


def compact(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def pae(body, kind=TYPE):
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind.encode(), len(body), body)


def plain(data):
    return {"sha256": sha(data)}


def salt(role, name, run_salt=bytes(range(32))):
    return hmac.new(run_salt, b"sandrun-commit-v1\0" + role.encode() + b"\0" + name.encode(), hashlib.sha256).digest()


def committed(role, name, data):
    return {"sandrunHmacSha256V1": hmac.new(salt(role, name), data, hashlib.sha256).hexdigest()}


def tree(leaves):
    """RFC 6962, 2.1, as it is written there."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\0" + leaves[0]).digest()
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return hashlib.sha256(b"\1" + tree(leaves[:k]) + tree(leaves[k:])).digest()


def statement(kind, subject, predicate):
    return {"_type": "https://in-toto.io/Statement/v1", "predicateType": kind, "subject": subject, "predicate": predicate}


def limit(name, requested, enforced, mechanism="cgroup2:memory.max", known="observed", **more):
    return {"name": name, "requested": requested, "enforced": enforced, "mechanism": mechanism, "known": known, **more}


ENFORCED = {
    "namespaces": {"known": "observed", "user": True, "pid": True, "mount": True, "network": True, "ipc": True, "uts": True, "cgroup": True},
    "idMap": {"known": "observed", "uid": "1000 1000 1", "gid": "1000 1000 1"},
    "noNewPrivs": {"known": "observed", "value": True},
    "capabilities": {"known": "observed", **dict.fromkeys(("ambient", "bounding", "effective", "inheritable", "permitted"), "0" * 16)},
    "seccomp": {"known": "observed", "mode": 2, "filter": {"digest": plain(b"filter"), "arch": "AUDIT_ARCH_X86_64", "instructions": 102, "known": "installed"}},
    "landlock": {"known": "installed", "abi": 4, "rulesetDigest": plain(b"ruleset")},
    "limits": [
        limit("memory.max", 268435456, 268435456),
        limit("wall.time", "30000000000", "30000000000", "supervisor:deadline"),
        limit("cpu.time", "10000000000", "10000000000", "supervisor:watchdog+RLIMIT_CPU"),
        limit("io.weight", "unlimited", None, "none", "absent"),
    ],
}

OUTPUTS = {"stdout": b"3.14159\n", "stderr": b"", "out/result.json": b'{"ok":true}\n', "out/plots/a.png": b"\x89PNG"}
INPUT = b"day,rain\n1,3\n"
SCRIPT = b"print(3.14159)\n"


class Run:
    """A good certificate, in pieces that a case may change."""

    def __init__(self, counter=42, previous="c" * 64, run_id="0192f5c0-7d3a-7c10-9a50-3f2b6f1f0c11", identity=b"acme", ephemeral=b"once"):
        self.identity, self.key = key(identity), key(ephemeral)
        self.files = {}
        self.outputs = {name: plain(data) for name, data in OUTPUTS.items()}
        challenge = {"audience": "verifier.example", "nonce": NONCE}
        self.open = {
            "challenge": challenge,
            "ephemeralKey": {"algorithm": "ed25519", "spki": base64.b64encode(spki(self.key)).decode(), "use": "one-signature"},
            "issuedAt": "2026-11-21T05:40:00Z",
            "expiresAt": "2026-11-21T05:50:00Z",
            "runId": run_id,
            "sequence": {"counter": counter, "previous": {"sha256": previous} if previous else None},
            "worker": {"identityKeyId": keyid(self.identity)},
        }
        self.execution = {
            "assurance": "self-asserted",
            "attestation": [],
            "challenge": copy.deepcopy(challenge),
            "destruction": {
                "claims": [{"target": t, "storage": "tmpfs", "method": "teardown", "checked": "waitid", "performed": True}
                           for t in ("processes", "sandbox-mounts")],
                "notCovered": ["swap", "page cache of the sources"],
            },
            "enforced": copy.deepcopy(ENFORCED),
            "executor": {"name": "sandrun", "version": {"kernel": "6.1.0", "libsodium": "1.0.18", "sandrun": "0.1.0"}, "digest": plain(b"sandrun")},
            "notClaimed": ["the operator did not change sandrun or the kernel", "wall-clock time"],
            "plan": {
                "argv": {"recorded": ["python3", "script.py"]},
                "env": {"names": ["LANG", "PATH"], "commitment": committed("env", "env", b"LANG=C\0PATH=/bin\0")},
                "environment": {"name": "host", "digest": None, "reason": "the host's own files"},
                "inputs": [{"name": "weather.csv", "digest": plain(INPUT), "bytes": len(INPUT)}],
                "language": "python",
                "limits": {"memory.max": 268435456, "wall.time": "30000000000", "cpu.time": "10000000000", "io.weight": "unlimited"},
                "network": "none",
                "outputs": ["out/*"],
                "private": {"args": False, "outputs": False, "saltMode": "kept"},
                "profile": {"name": "default", "digest": plain(b"profile")},
                "project": None,
                "script": {"name": "script.py", "digest": plain(SCRIPT)},
                "stdin": "none",
                "strict": False,
                "trace": False,
            },
            "result": {
                "outcome": "exited", "exitCode": 0, "signal": None, "limitHit": None, "status": 0, "error": None,
                "startedAt": "2026-11-21T05:40:01Z", "finishedAt": "2026-11-21T05:40:03Z",
                "stdin": None,
                "streams": {"stdout": {"bytes": 8, "truncated": False}, "stderr": {"bytes": 0, "truncated": False}},
                "outputs": {"files": 2, "bytes": 16},
                "usage": {"cpuUserNs": "1500000000", "cpuSystemNs": "30000000", "wallNs": "2011020000", "memoryPeakBytes": 9437184,
                          "source": {"cpu": "cgroup-cpu.stat", "memory": "cgroup-memory.peak", "wall": "clock-monotonic"}},
            },
            "runId": run_id,
            "trace": None,
        }
        self.close = {
            "closedAt": "2026-11-21T05:40:04Z",
            "ephemeralKey": {"keyId": keyid(self.key), "method": "sodium_free", "signaturesIssued": 1, "state": "zeroed", "checked": "read back"},
            "outcome": "certified",
            "runId": run_id,
            "sequence": {"counter": counter},
        }
        self.quotes = []  # made from run-open's payload

    # ---- good certificates with more in them

    def private(self):
        self.outputs = {name: committed("output" if name.startswith("out/") else name, name.removeprefix("out/"), data) for name, data in OUTPUTS.items()}
        plan = self.execution["plan"]
        plan["private"] = {"args": True, "outputs": True, "saltMode": "kept"}
        result = self.execution["result"]
        result["streams"] = {name: {"truncated": False} for name in result["streams"]}
        del result["outputs"]["bytes"]
        plan["argv"] = {"count": 2, "commitment": committed("argv", "argv", b"python3\0script.py\0")}
        plan["inputs"] = [{"name": "weather.csv", "digest": committed("input", "weather.csv", INPUT)}]
        items = [("input", "weather.csv"), ("argv", "argv"), ("env", "env"), ("stdout", "stdout"), ("stderr", "stderr"),
                 ("output", "result.json"), ("output", "plots/a.png")]
        self.files["opening.json"] = compact({"items": [{"name": n, "role": r, "salt": salt(r, n).hex()} for r, n in items],
                                              "runId": self.open["runId"], "v": 1})
        return self

    def traced(self, events=None):
        events = events if events is not None else [
            {"event": "exec", "path": "/usr/bin/python3", "pid": 2, "how": "exe", "result": 0},
            {"event": "connect", "family": "inet", "address": "127.0.0.1", "port": 8000, "pid": 2, "how": "descriptor", "result": 0},
            {"event": "connect", "family": "inet6", "address": "::1", "port": 8000, "pid": 2, "how": "descriptor", "result": 0},
            {"event": "connect", "family": "unix", "path": "/work/socket", "pid": 2, "how": "descriptor", "result": 0},
            {"event": "connect", "family": "inet", "address": "192.0.2.7", "port": 443, "pid": 2, "how": "sockaddr", "result": "ENETUNREACH"},
            {"event": "exit", "pid": 2, "status": 0},
            {"event": "end"},
        ]
        lines = [compact(e) for e in events]
        log = b"".join(line + b"\n" for line in lines)
        self.execution["plan"]["trace"] = True
        self.execution["trace"] = {
            "digest": plain(log), "mediaType": "application/vnd.sandrun.trace.v1+jsonl", "rootHash": tree(lines).hex(),
            "tree": "rfc6962-sha256", "treeSize": len(lines), "dropped": 0, "complete": True,
            "coverage": ["exec", "open", "connect", "exit"], "mechanisms": ["ptrace"], "races": [],
        }
        self.files["trace.jsonl"] = log
        return self

    def quoted(self, provider="tdx_guest", simulated=False, assurance="quote-present"):
        self.quotes.append((provider, simulated))
        self.execution["assurance"] = assurance
        return self

    # ---- putting it together

    def quote(self, provider, simulated, payload):
        data = hashlib.sha512(pae(payload, "application/vnd.sandrun.report-data.v1")).digest()
        blobs = {
            "tdx_guest": struct.pack("<HHI", 4, 2, 0x81) + bytes(40 + 520) + data + bytes(64),
            "sev_guest": bytes(0x50) + data + bytes(1184 - 0x50 - 64),
            "future_guest": b"who knows",
        }
        return {"provider": provider, "simulated": simulated, "reportData": data.hex(), "reportDataPreimage": "run-open",
                "quote": base64.b64encode(blobs[provider]).decode()}

    def sign(self, statement_or_body, k):
        body = statement_or_body if isinstance(statement_or_body, bytes) else compact(statement_or_body)
        return {"payload": base64.b64encode(body).decode(), "payloadType": TYPE,
                "signatures": [{"keyid": keyid(k), "sig": base64.b64encode(k.sign(pae(body))).decode()}]}

    def build(self, case):
        """The file's bytes. `case` has functions for some of the stages."""
        skip = lambda *args: None
        case.get("facts", skip)(self)
        o, x, c = self.open, self.execution, self.close
        o["plan"] = {"digest": plain(compact(x["plan"]))}
        opened = statement(OPEN, [{"name": "ephemeral-key", "digest": plain(spki(self.key))}], o)
        case.get("linked-open", skip)(self, opened)
        open_body = compact(opened)
        x["runOpen"] = {"digest": plain(open_body), "mediaType": TYPE}
        x["attestation"] += [self.quote(p, s, open_body) for p, s in self.quotes]
        subjects = [{"name": "run", "digest": plain(open_body)}] + [{"name": n, "digest": d} for n, d in self.outputs.items()]
        executed = statement(EXECUTION, subjects, x)
        case.get("linked-execution", skip)(self, executed)
        body = case["body"](self, executed) if "body" in case else compact(executed)
        c["runOpen"] = {"digest": plain(open_body)}
        closed = statement(CLOSE, [{"name": "execution", "digest": plain(body)}], c)
        case.get("linked-close", skip)(self, closed)
        lines = [self.sign(open_body, self.identity), self.sign(body, self.key), self.sign(closed, self.identity)]
        lines = case.get("envelopes", lambda run, e: None)(self, lines) or lines
        text = b"".join((line if isinstance(line, bytes) else compact(line)) + b"\n" for line in lines)
        return case.get("bytes", lambda t: t)(text)


BASES = {
    "good": Run,
    "private": lambda: Run().private(),
    "traced": lambda: Run().traced(),
    "quoted": lambda: Run().quoted(),
    "first": lambda: Run(counter=41, previous="b" * 64, run_id="0192f5c0-0000-7c10-9a50-3f2b6f1f0c11", ephemeral=b"once before"),
}

CASES = {}


def case(name, base="good", **stages):
    assert name not in CASES and name not in BASES, name
    CASES[name] = (base, {stage.replace("_", "-"): f for stage, f in stages.items()})


def put(predicate, path, value):
    """A stage that sets, or with value ... removes, one member of self.<predicate>."""
    def change(run):
        o = getattr(run, predicate)
        *front, last = path.split(".")
        for k in front:
            o = o[int(k) if isinstance(o, list) else k]
        last = int(last) if isinstance(o, list) else last
        if value is ...:
            del o[last]
        else:
            o[last] = value
    return change


def facts(name, path, value, base="good"):
    predicate, rest = path.split(".", 1)
    case(name, base, facts=put(predicate, rest, value))


def several(*changes):
    def change(run):
        for path, value in changes:
            predicate, rest = path.split(".", 1)
            put(predicate, rest, value)(run)
    return change


def envelope(index, change):
    """A stage that changes one signed envelope."""
    def stage(run, lines):
        result = change(lines[index], run)
        if result is not None:
            lines[index] = result
        return lines
    return stage


def body_of(e):
    return base64.b64decode(e["payload"])


def payload_swap(old, new):
    def change(e, run):
        body = body_of(e)
        assert old in body, old
        e["payload"] = base64.b64encode(body.replace(old, new, 1)).decode()
    return change


def resign(index, who, change=lambda body: body, hint=None):
    def stage(run, lines):
        k = getattr(run, who) if isinstance(who, str) else who
        e = run.sign(change(body_of(lines[index])), k)
        e["signatures"][0]["keyid"] = hint(run) if hint else keyid(k)
        lines[index] = e
        return lines
    return stage


def late_s(e, run):
    sig = base64.b64decode(e["signatures"][0]["sig"])
    s = int.from_bytes(sig[32:], "little") + ORDER
    e["signatures"][0]["sig"] = base64.b64encode(sig[:32] + s.to_bytes(32, "little")).decode()


def urlsafe(e, run):
    e["payload"] = base64.urlsafe_b64encode(body_of(e)).decode()
    e["signatures"][0]["sig"] = base64.urlsafe_b64encode(base64.b64decode(e["signatures"][0]["sig"])).decode()


def loose_bits(text):
    """The same bytes, with a bit set that no byte takes from the last digit."""
    digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    bare = text.rstrip("=")
    assert bare != text, "a signature of 64 bytes is padded"
    return bare[:-1] + digits[digits.index(bare[-1]) | 1] + text[len(bare):]


# --- still good ------------------------------------------------------------------------------------------------------------------

case("ok-reordered", envelopes=lambda run, e: [e[2], e[0], e[1]])
case("ok-extra-object", envelopes=lambda run, e: e + [{"note": "not an envelope", "deep": [1, 2]}])
case("ok-extra-statement", envelopes=lambda run, e: [run.sign({"_type": "x", "predicateType": "https://example.org/other/v1"}, key(b"other"))] + e)
case("ok-extra-by-identity", envelopes=lambda run, e: e + [run.sign({"_type": "x", "predicateType": "https://example.org/other/v1"}, run.identity)])
case("ok-keyid-wrong", envelopes=lambda run, e: [{**x, "signatures": [{**x["signatures"][0], "keyid": "0" * 64}]} for x in e])
case("ok-keyid-of-another", envelopes=lambda run, e: [{**x, "signatures": [{**x["signatures"][0], "keyid": keyid(key(b"rival"))}]} for x in e])
case("ok-keyid-missing", envelopes=lambda run, e: [{**x, "signatures": [{"sig": x["signatures"][0]["sig"]}]} for x in e])
case("ok-keyid-not-text", envelopes=lambda run, e: [{**x, "signatures": [{**x["signatures"][0], "keyid": 7}]} for x in e])
case("ok-urlsafe", envelopes=lambda run, e: [urlsafe(x, run) or x for x in e])
case("ok-last-newline-missing", bytes=lambda t: t[:-1])
case("ok-spaced", body=lambda run, s: json.dumps(s, indent=2).encode())
case("ok-unknown-member", facts=put("execution", "later", {"added": 1}))
facts("ok-signaled", "execution.result", {**Run().execution["result"], "outcome": "signaled", "exitCode": None, "signal": 11, "status": 139})
facts("ok-limit", "execution.result", {**Run().execution["result"], "outcome": "limit", "exitCode": None, "signal": 9, "limitHit": "memory", "status": 137})
case("ok-setup-failed", facts=lambda run: (
    run.outputs.clear(),
    run.execution.update(enforced=None),
    run.execution["result"].update(outcome="setup-failed", exitCode=None, startedAt=None, usage=None, status=125, streams={},
                                   outputs={"files": 0, "bytes": 0}, error={"code": "E_USERNS_DENIED", "stage": "sandbox"})))
case("ok-no-number", facts=several(("open.sequence", {"counter": None, "previous": None, "reason": "no state folder"}), ("close.sequence.counter", None)))
case("ok-first-run", facts=several(("open.sequence", {"counter": 1, "previous": None}), ("close.sequence.counter", 1)))
case("ok-no-challenge", facts=several(("open.challenge", None), ("execution.challenge", None)))
case("ok-simulated", facts=lambda run: run.quoted(simulated=True, assurance="simulated-quote"))
case("ok-sev", facts=lambda run: run.quoted("sev_guest"))
case("ok-modest", facts=lambda run: run.quoted(assurance="self-asserted"))
case("ok-quote-of-an-unknown-kind", facts=lambda run: run.quoted("future_guest"))
case("ok-name-with-newline", facts=lambda run: outputs(**{"out/a\nb": plain(b"x")})(run))
facts("ok-passed-a-watchdog", "execution.result.usage.cpuUserNs", "14000000000")
case("ok-window", facts=lambda run: (
    run.execution["plan"]["limits"].update({"cpu.window": "10s/60s"}),
    run.execution["enforced"]["limits"].append(limit("cpu.window", "10s/60s", "10s/60s", "supervisor:pause", "installed"))))
facts("window-of-another-limit", "execution.enforced.limits.0.enforced", "10s/60s")
case("ok-shadow", facts=lambda run: outputs(**{"out/stdout": plain(b"another")})(run))
case("ok-nested", facts=lambda run: outputs(**{"out/n": plain(b"a"), "out/out/n": plain(b"b")})(run))
case("ok-owner-salt", "private", facts=put("execution", "plan.private.saltMode", "owner"))

# --- changed after signing -------------------------------------------------------------------------------------------------------

case("byte-open", envelopes=envelope(0, payload_swap(b'"counter":42', b'"counter":43')))
case("byte-execution", envelopes=envelope(1, payload_swap(b'"exitCode":0', b'"exitCode":1')))
case("byte-limit", envelopes=envelope(1, payload_swap(b'"memory.max":268435456', b'"memory.max":268435457')))
case("byte-close", envelopes=envelope(2, payload_swap(b'"zeroed"', b'"zer0ed"')))
case("payload-type", envelopes=envelope(1, lambda e, run: e.update(payloadType="application/json")))
case("payload-type-case", envelopes=envelope(1, lambda e, run: e.update(payloadType=TYPE.upper())))
case("payload-type-signed", envelopes=envelope(1, lambda e, run: {**e, "payloadType": "application/json", "signatures": [
    {"keyid": keyid(run.key), "sig": base64.b64encode(run.key.sign(pae(body_of(e), "application/json"))).decode()}]}))
case("unsigned", envelopes=envelope(1, lambda e, run: e.update(signatures=[])))
case("signatures-missing", envelopes=envelope(1, lambda e, run: e.__delitem__("signatures")))
case("signatures-object", envelopes=envelope(1, lambda e, run: e.update(signatures=e["signatures"][0])))
case("sig-missing", envelopes=envelope(1, lambda e, run: e["signatures"][0].__delitem__("sig")))
case("signature-twice", envelopes=envelope(1, lambda e, run: e.update(signatures=e["signatures"] * 2)))
case("signatures-two", envelopes=envelope(1, lambda e, run: e["signatures"].append(run.sign(body_of(e), run.identity)["signatures"][0])))
case("signature-short", envelopes=envelope(1, lambda e, run: e["signatures"][0].update(sig=base64.b64encode(bytes(63)).decode())))
case("signature-zero", envelopes=envelope(1, lambda e, run: e["signatures"][0].update(sig=base64.b64encode(bytes(64)).decode())))
case("signature-of-body", envelopes=envelope(1, lambda e, run: e["signatures"][0].update(sig=base64.b64encode(run.key.sign(body_of(e))).decode())))
case("late-s-open", envelopes=envelope(0, late_s))
case("late-s-execution", envelopes=envelope(1, late_s))
case("execution-resigned", envelopes=resign(1, key(b"mallory"), hint=lambda run: keyid(run.key)))
case("execution-resigned-own-hint", envelopes=resign(1, key(b"mallory")))
case("execution-by-identity", envelopes=resign(1, "identity"))
case("close-by-ephemeral", envelopes=resign(2, "key"))
case("close-by-rival", envelopes=resign(2, key(b"rival")))
case("open-by-ephemeral", envelopes=resign(0, "key"))
case("all-by-mallory", facts=lambda run: (setattr(run, "identity", key(b"mallory")),
                                          put("open", "worker.identityKeyId", keyid(key(b"mallory")))(run)))
case("embedded-identity", facts=lambda run: (setattr(run, "identity", key(b"mallory")), put("open", "worker.identityKeyId", keyid(key(b"mallory")))(run),
                                             put("open", "worker.spki", base64.b64encode(spki(key(b"mallory"))).decode())(run)))
case("no-open", envelopes=lambda run, e: e[1:])
case("no-execution", envelopes=lambda run, e: [e[0], e[2]])
case("no-close", envelopes=lambda run, e: e[:2])
case("execution-alone", envelopes=lambda run, e: e[1:2])
case("open-twice", envelopes=lambda run, e: e + e[:1])
case("execution-twice", envelopes=lambda run, e: e + e[1:2])
case("close-twice", envelopes=lambda run, e: e + e[2:])
case("execution-two", envelopes=lambda run, e: e + [run.sign(body_of(e[1]).replace(b'"exitCode":0', b'"exitCode":1').replace(b'"status":0', b'"status":1'), run.key)])
case("ephemeral-signs-other", envelopes=lambda run, e: e + [run.sign({"_type": "x", "predicateType": "https://example.org/other/v1"}, run.key)])
case("other-version", linked_execution=lambda run, s: s.update(predicateType=EXECUTION.replace("v0.1", "v1")))
case("other-project", linked_open=lambda run, s: s.update(predicateType="https://github.com/ORG/sandrun/predicates/run-open/v0.1"))
case("slsa", envelopes=lambda run, e: [run.sign(statement("https://slsa.dev/provenance/v1", [{"name": "x", "digest": plain(b"x")}], {}), run.identity)])
case("statement-type", linked_execution=lambda run, s: s.update(_type="https://in-toto.io/Statement/v0.1"))

# --- keys -------------------------------------------------------------------------------------------------------------------------

NEUTRAL = bytes([1]) + bytes(31)
OF_ORDER_8 = bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05")
NOT_CANONICAL = (2**255 - 19 + 1).to_bytes(32, "little")


def weak(point):
    """An endorsed key of small order: R neutral and S 0 fit many messages."""
    def change(run):
        put("open", "ephemeralKey.spki", base64.b64encode(spki(point)).decode())(run)
        put("close", "ephemeralKey.keyId", keyid(point))(run)
    def subject(run, s):
        s["subject"][0]["digest"] = plain(spki(point))
    def signed(e, run):
        e["signatures"] = [{"keyid": keyid(point), "sig": base64.b64encode(NEUTRAL + bytes(32)).decode()}]
    return {"facts": change, "linked_open": subject, "envelopes": envelope(1, signed)}


case("key-neutral", **weak(NEUTRAL))
case("key-order-8", **weak(OF_ORDER_8))
case("key-not-canonical", **weak(NOT_CANONICAL))
case("key-off-curve", **weak(bytes([2]) + bytes(31)))
facts("key-31-bytes", "open.ephemeralKey.spki", base64.b64encode(spki(key(b"once"))[:-1]).decode())
facts("key-33-bytes", "open.ephemeralKey.spki", base64.b64encode(spki(key(b"once")) + b"\0").decode())
facts("key-x25519", "open.ephemeralKey.spki", base64.b64encode(bytes.fromhex("302a300506032b656e032100") + raw(key(b"once"))).decode())
facts("key-algorithm", "open.ephemeralKey.algorithm", "ed25519ph")
facts("key-use", "open.ephemeralKey.use", "any")
case("key-is-identity", facts=lambda run: (setattr(run, "key", run.identity), put("open", "ephemeralKey.spki", base64.b64encode(spki(run.identity)).decode())(run),
                                           put("close", "ephemeralKey.keyId", keyid(run.identity))(run)))

# --- links ------------------------------------------------------------------------------------------------------------------------

case("plan-not-opened", linked_open=lambda run, s: s["predicate"].update(plan={"digest": plain(b"another plan")}))
case("plan-changed-after-open", linked_execution=lambda run, s: s["predicate"]["plan"]["limits"].update({"cpu.time": "20000000000"}) or
     s["predicate"]["enforced"]["limits"][2].update(requested="20000000000"))
case("open-of-another-run", linked_execution=lambda run, s: s["predicate"].update(runOpen={"digest": plain(b"another"), "mediaType": TYPE}))
case("subject-of-another-run", linked_execution=lambda run, s: s["subject"][0].update(digest=plain(b"another")))
case("subject-run-not-first", linked_execution=lambda run, s: s["subject"].reverse())
case("close-of-another-execution", linked_close=lambda run, s: s["subject"][0].update(digest=plain(b"another")))
case("close-of-another-open", linked_close=lambda run, s: s["predicate"].update(runOpen={"digest": plain(b"another")}))
case("open-names-another-key", linked_open=lambda run, s: s["subject"][0].update(digest=plain(b"another")))
facts("close-names-another-key", "close.ephemeralKey.keyId", "0" * 64)
facts("close-key-kept", "close.ephemeralKey.state", "kept")
facts("close-two-signatures", "close.ephemeralKey.signaturesIssued", 2)
facts("close-outcome", "close.outcome", "abandoned")
facts("close-number", "close.sequence.counter", 43)
facts("identity-id", "open.worker.identityKeyId", "0" * 64)
facts("run-id-execution", "execution.runId", "0192f5c0-7d3a-7c10-9a50-3f2b6f1f0c12")
facts("run-id-close", "close.runId", "0192f5c0-7d3a-7c10-9a50-3f2b6f1f0c12")
facts("challenge-differs", "execution.challenge", {"audience": "verifier.example", "nonce": "0" * 64})
facts("number-zero", "open.sequence.counter", 0)
case("first-with-previous", facts=several(("open.sequence.counter", 1), ("close.sequence.counter", 1)))
facts("previous-missing", "open.sequence.previous", None)
facts("previous-none", "open.sequence", {"counter": 42, "previous": None, "reason": "none today"})
case("open-of-two-subjects", linked_open=lambda run, s: s["subject"].append({"name": "other", "digest": plain(b"other")}))
case("close-of-two-subjects", linked_close=lambda run, s: s["subject"].append({"name": "other", "digest": plain(b"other")}))
case("no-number-no-reason", facts=several(("open.sequence", {"counter": None, "previous": None}), ("close.sequence.counter", None)))

# --- time -------------------------------------------------------------------------------------------------------------------------

facts("time-ends-before-it-begins", "execution.result.finishedAt", "2026-11-21T05:40:00Z")
facts("time-begins-before-open", "execution.result.startedAt", "2026-11-21T05:39:59Z")
case("time-ends-after-expiry", facts=several(("execution.result.finishedAt", "2026-11-21T05:50:01Z"), ("close.closedAt", "2026-11-21T05:50:02Z")))
facts("time-expires-before-open", "open.expiresAt", "2026-11-21T05:39:00Z")
facts("time-closed-before-end", "close.closedAt", "2026-11-21T05:40:02Z")
case("time-future", facts=lambda run: several(*((path, "2999" + value[4:]) for path, value in (
    ("open.issuedAt", run.open["issuedAt"]), ("open.expiresAt", run.open["expiresAt"]), ("execution.result.startedAt", run.execution["result"]["startedAt"]),
    ("execution.result.finishedAt", run.execution["result"]["finishedAt"]), ("close.closedAt", run.close["closedAt"]))))(run))
facts("time-closed-in-the-future", "close.closedAt", "2999-11-21T05:40:04Z")
facts("time-wall-too-long", "execution.result.usage.wallNs", "7000000000")
facts("time-no-such-day", "execution.result.startedAt", "2026-02-30T05:40:01Z")
facts("time-with-zone", "open.issuedAt", "2026-11-21T05:40:00+00:00")

# --- contradictions, validly signed -------------------------------------------------------------------------------------------------

facts("exit-and-signal", "execution.result.signal", 9)
facts("exit-missing", "execution.result.exitCode", None)
facts("exit-256", "execution.result.exitCode", 256)
case("signal-0", facts=lambda run: run.execution["result"].update(outcome="signaled", exitCode=None, signal=0, status=128))
facts("signaled-without-signal", "execution.result", {**Run().execution["result"], "outcome": "signaled", "exitCode": None})
facts("limit-hit-but-exited", "execution.result.limitHit", "memory")
facts("limit-without-hit", "execution.result", {**Run().execution["result"], "outcome": "limit", "exitCode": None, "status": 137})
facts("outcome-unknown", "execution.result.outcome", "succeeded")
facts("status-0-of-exit-1", "execution.result.exitCode", 1)
facts("setup-failed-but-started", "execution.result", {**Run().execution["result"], "outcome": "setup-failed", "exitCode": None, "status": 125,
                                                        "error": {"code": "E_MOUNT", "stage": "sandbox"}})
case("setup-failed-with-output", facts=lambda run: (
    run.outputs.clear(), run.execution.update(enforced=None),
    run.execution["result"].update(outcome="setup-failed", exitCode=None, startedAt=None, usage=None, status=125, streams={},
                                   outputs={"files": 0, "bytes": 7}, error={"code": "E_USERNS_DENIED", "stage": "sandbox"})))
case("setup-failed-with-usage", facts=lambda run: (
    run.outputs.clear(), run.execution.update(enforced=None),
    run.execution["result"].update(outcome="setup-failed", exitCode=None, startedAt=None, status=125, streams={},
                                   outputs={"files": 0, "bytes": 0}, error={"code": "E_USERNS_DENIED", "stage": "sandbox"})))
case("setup-failed-with-streams", facts=lambda run: (
    run.execution.update(enforced=None), [run.outputs.pop(n) for n in list(run.outputs) if n.startswith("out/")],
    run.execution["result"].update(outcome="setup-failed", exitCode=None, startedAt=None, usage=None, status=125,
                                   outputs={"files": 0, "bytes": 0}, error={"code": "E_USERNS_DENIED", "stage": "sandbox"})))
facts("status-0-of-a-failure-with-error", "execution.result", {**Run().execution["result"], "exitCode": 1, "error": {"code": "E_OUTPUT", "stage": "output"}})
facts("killed-and-status-0", "execution.result", {**Run().execution["result"], "outcome": "killed", "exitCode": None})
facts("ran-without-sandbox", "execution.enforced", None)
facts("ran-without-usage", "execution.result.usage", None)
facts("stdin-not-planned", "execution.result.stdin", {"digest": plain(b"x"), "bytes": 1})
facts("memory-over-limit", "execution.result.usage.memoryPeakBytes", 536870912)
facts("cpu-over-limit", "execution.result.usage.cpuUserNs", "60000000000")
case("wall-over-limit", facts=several(("execution.result.usage.wallNs", "60000000000"), ("execution.result.finishedAt", "2026-11-21T05:41:01Z"),
                                      ("close.closedAt", "2026-11-21T05:41:02Z")))
facts("cpu-sum-wraps", "execution.result.usage.cpuUserNs", "18446744073709551615")
facts("limit-above-request", "execution.enforced.limits.0.enforced", 536870912)
facts("limit-not-the-plan", "execution.enforced.limits.0", limit("memory.max", 536870912, 268435456))
facts("limit-twice", "execution.enforced.limits.1", limit("memory.max", 268435456, 268435456))
facts("limit-enforced-and-absent", "execution.enforced.limits.0", limit("memory.max", 268435456, 268435456, known="absent"))
case("limit-unlisted", facts=lambda run: run.execution["enforced"]["limits"].pop(0))
facts("limit-above-request-in-text", "execution.enforced.limits.2.enforced", "20000000000")
facts("limit-word", "execution.enforced.limits.0.enforced", "none at all")
facts("limit-unlimited-in-words", "execution.enforced.limits.0.enforced", "unlimited")
facts("limit-with-zeros", "execution.enforced.limits.1.enforced", "030000000000")
case("limit-asked-in-words", facts=lambda run: (
    run.execution["plan"]["limits"].update({"io.weight": "much"}), run.execution["enforced"]["limits"][3].update(requested="much")))
facts("absent-namespaces", "execution.enforced.namespaces.known", "absent")
facts("absent-privs", "execution.enforced.noNewPrivs.known", "absent")
facts("absent-capabilities", "execution.enforced.capabilities.known", "absent")
facts("absent-seccomp", "execution.enforced.seccomp.known", "absent")
facts("absent-filter", "execution.enforced.seccomp.filter.known", "absent")
facts("absent-landlock", "execution.enforced.landlock.known", "absent")
facts("filter-empty", "execution.enforced.seccomp.filter.instructions", 0)
facts("input-without-digest", "execution.plan.inputs.0.digest", None)
facts("limit-dropped-without-reason", "execution.enforced.limits.0", limit("memory.max", 268435456, None, known="absent"))
facts("network-of-the-host", "execution.enforced.namespaces.network", False)
case("lacks-pids", facts=put("execution", "enforced.namespaces.pid", False))
facts("plan-with-network", "execution.plan.network", "host")
facts("plan-unknown-member", "execution.plan.bind", ["/home"])
facts("landlock-without-ruleset", "execution.enforced.landlock", {"known": "installed", "abi": 4, "rulesetDigest": None})
facts("known-by-guess", "execution.enforced.seccomp.known", "hoped")
facts("not-covered-empty", "execution.destruction.notCovered", [])
facts("not-claimed-empty", "execution.notClaimed", [])
facts("outputs-uncounted", "execution.result.outputs.files", 3)
facts("stream-unsigned", "execution.result.streams.terminal", {"bytes": 1, "truncated": False})
case("stream-not-in-result", facts=lambda run: run.execution["result"]["streams"].pop("stderr"))
facts("argv-both", "execution.plan.argv", {"recorded": ["a"], "count": 1, "commitment": committed("argv", "argv", b"a\0")})
facts("argv-neither", "execution.plan.argv", {})
facts("variables-twice", "execution.plan.env.names", ["PATH", "PATH"])
facts("field-missing", "execution.result.outcome", ...)
facts("field-kind", "execution.result.exitCode", "0")
facts("field-negative", "execution.result.status", -1)
facts("field-case", "execution.result.ExitCode", 0)
case("field-case-of-a-statement", linked_execution=lambda run, s: s.update(Subject=[]))
case("line-case", envelopes=envelope(1, lambda e, run: e.update(Payload=e["payload"])))
case("line-case-of-a-signature", envelopes=envelope(1, lambda e, run: e["signatures"][0].update(SIG=e["signatures"][0]["sig"])))
facts("memory-unknown", "execution.result.usage.memoryPeakBytes", None)
facts("number-too-large", "execution.result.outputs.bytes", 2**53)
facts("number-real", "execution.later", 1.5)
facts("digest-uppercase", "execution.executor.digest", {"sha256": sha(b"x").upper()})
facts("digest-short", "execution.executor.digest", {"sha256": "00"})
facts("run-id-not-v7", "open.runId", "0192f5c0-7d3a-4c10-9a50-3f2b6f1f0c11")
facts("nonce-short", "open.challenge.nonce", "00")


def outputs(**more):
    def change(run):
        for name, data in more.items():
            run.outputs[name] = data
        run.execution["result"]["outputs"]["files"] = sum(n.startswith("out/") for n in run.outputs)
    return change


for label, path in {"up": "out/../../.bashrc", "absolute": "/etc/passwd", "dot": "out/./a", "empty-part": "out//a", "up-at-the-end": "out/..",
                    "nothing": "out/"}.items():
    case("name-" + label, facts=outputs(**{path: plain(b"x")}))
case("name-twice", linked_execution=lambda run, s: (s["subject"].append(s["subject"][-1]), s["predicate"]["result"]["outputs"].update(files=3)))
case("name-unknown", facts=outputs(core=plain(b"x")))
facts("input-up", "execution.plan.inputs.0.name", "../weather.csv")
facts("input-absolute", "execution.plan.inputs.0.name", "/etc/passwd")
case("input-twice", facts=lambda run: run.execution["plan"]["inputs"].append(run.execution["plan"]["inputs"][0]))



def image(layers=(b"lower", b"upper"), stack=(b"lower", b"upper"), **changes):
    lines = "".join("sha256:%s\n" % sha(layer) for layer in stack)
    return {"name": "made", "digest": plain(("sandrun-image v1\n" + lines).encode()), "layers": [plain(layer) for layer in layers], **changes}


def without(member):
    e = image()
    del e[member]
    return e


ENVIRONMENT = "execution.plan.environment"
facts("ok-image", ENVIRONMENT, image())
facts("image-of-other-layers", ENVIRONMENT, image(layers=(b"lower", b"another")))
facts("image-layers-in-another-order", ENVIRONMENT, image(layers=(b"upper", b"lower")))
facts("image-layer-left-out", ENVIRONMENT, image(layers=(b"lower",)))
facts("image-without-layers", ENVIRONMENT, without("layers"))
facts("image-without-digest", ENVIRONMENT, image(digest=None))
facts("image-of-no-layer", ENVIRONMENT, image(layers=(), stack=()))
facts("image-by-commitment", ENVIRONMENT, image(digest=committed("image", "made", b"x")))
facts("image-layer-by-commitment", ENVIRONMENT, image(layers=(b"lower",), stack=(b"lower",)) | {"layers": [committed("image", "made", b"x")]})
facts("image-with-more", ENVIRONMENT, image(options="nosuid"))

# --- privacy ------------------------------------------------------------------------------------------------------------------------

facts("plain-beside-commitment", "execution.plan.inputs.0.digest", {**plain(INPUT), **committed("input", "weather.csv", INPUT)}, "private")
facts("private-with-size", "execution.plan.inputs.0.bytes", len(INPUT), "private")
facts("private-stdout-with-size", "execution.result.streams.stdout.bytes", 8, "private")
facts("private-outputs-with-size", "execution.result.outputs.bytes", 16, "private")
facts("open-stdout-without-size", "execution.result.streams.stdout", {"truncated": False})
facts("open-input-without-size", "execution.plan.inputs.0", {"name": "weather.csv", "digest": plain(INPUT)})
facts("salt-unsaid", "execution.plan.private.saltMode", None, "private")
facts("ok-salt-unsaid", "execution.plan.private.saltMode", None)
case("salt-unsaid-of-stdin", facts=several(("execution.plan.stdin", "stream"), ("execution.plan.private.saltMode", None),
                                           ("execution.result.stdin", {"digest": committed("stdin", "stdin", b"x")})))
facts("private-args-recorded", "execution.plan.argv", {"recorded": ["python3"]}, "private")
case("private-output-plain", "private", facts=lambda run: run.outputs.update(stdout=plain(OUTPUTS["stdout"])))
case("open-output-committed", facts=lambda run: run.outputs.update(stdout=committed("stdout", "stdout", OUTPUTS["stdout"])))
facts("digest-unknown", "execution.plan.inputs.0.digest", {"md5": "0" * 32})

# --- hardware -----------------------------------------------------------------------------------------------------------------------

facts("assurance-without-quote", "execution.assurance", "quote-present")
facts("assurance-unknown", "execution.assurance", "tee")
case("assurance-of-simulation", facts=lambda run: run.quoted(simulated=True))
case("report-data-of-another-run", "quoted", linked_execution=lambda run, s: s["predicate"]["attestation"][0].update(reportData="0" * 128))
case("quote-of-another-run", "quoted", linked_execution=lambda run, s: s["predicate"]["attestation"][0].update(
    quote=base64.b64encode(struct.pack("<HHI", 4, 2, 0x81) + bytes(40 + 520 + 128)).decode()))
case("quote-of-another-provider", "quoted", linked_execution=lambda run, s: s["predicate"]["attestation"][0].update(provider="sev_guest"))
case("quote-not-base64", "quoted", linked_execution=lambda run, s: s["predicate"]["attestation"][0].update(quote="!!"))
case("quote-missing", "quoted", linked_execution=lambda run, s: s["predicate"]["attestation"][0].update(quote=None))


def debug(run, s):
    item = s["predicate"]["attestation"][0]
    quote = bytearray(base64.b64decode(item["quote"]))
    quote[48 + 120] |= 1
    item["quote"] = base64.b64encode(bytes(quote)).decode()


case("quote-of-a-debug-machine", "quoted", linked_execution=debug)

# --- traces -------------------------------------------------------------------------------------------------------------------------

EVENTS = Run().traced().files["trace.jsonl"].splitlines(True)


def log(lines):
    def change(run):
        run.files["trace.jsonl"] = b"".join(lines)
    return change


case("trace-line-cut", "traced", facts=log(EVENTS[:-1]))
case("trace-half-line", "traced", facts=log(EVENTS[:-1] + [EVENTS[-1][:-1]]))
case("trace-inserted", "traced", facts=log(EVENTS[:2] + [b'{"event":"open"}\n'] + EVENTS[2:]))
case("trace-moved", "traced", facts=log([EVENTS[1], EVENTS[0]] + EVENTS[2:]))
case("trace-edited", "traced", facts=log([EVENTS[0].replace(b"python3", b"python2")] + EVENTS[1:]))
case("trace-empty", "traced", facts=log([]))
case("trace-root", "traced", facts=put("execution", "trace.rootHash", "0" * 64))
case("trace-digest", "traced", facts=put("execution", "trace.digest", plain(b"another")))
case("trace-node-as-leaf", "traced", facts=lambda run: (put("execution", "trace.treeSize", 1)(run), run.files.update({"trace.jsonl": b"\1" + bytes(64) + b"\n"}),
     put("execution", "trace.rootHash", hashlib.sha256(b"\1" + bytes(64)).hexdigest())(run), put("execution", "trace.digest", plain(b"\1" + bytes(64) + b"\n"))(run)))
facts("trace-dropped-complete", "execution.trace.dropped", 3, "traced")
case("trace-nothing-complete", facts=lambda run: run.traced([]))
facts("trace-not-planned", "execution.plan.trace", False, "traced")
facts("trace-absent", "execution.trace", None, "traced")
facts("trace-covers-nothing", "execution.trace.coverage", [], "traced")
case("trace-connected", facts=lambda run: run.traced([{"event": "connect", "family": "inet", "address": "192.0.2.7", "port": 443, "pid": 2, "how": "descriptor", "result": 0}]))
case("trace-connecting", facts=lambda run: run.traced([{"event": "connect", "family": "inet", "address": "192.0.2.7", "port": 443, "pid": 2, "how": "descriptor",
                                                               "result": "EINPROGRESS"}]))
case("trace-connected-v6", facts=lambda run: run.traced([{"event": "connect", "family": "inet6", "address": "2001:db8::1", "port": 443, "pid": 2, "how": "descriptor-shared",
                                                                 "result": 0}]))
case("trace-claims", facts=lambda run: run.traced([{"event": "send", "family": "inet", "address": "192.0.2.7", "port": 53, "pid": 2, "how": "sockaddr", "result": 0}]))
case("trace-not-json", facts=lambda run: run.traced() and (run.files.update({"trace.jsonl": b"x\n"}), put("execution", "trace.treeSize", 1)(run),
     put("execution", "trace.rootHash", tree([b"x"]).hex())(run), put("execution", "trace.digest", plain(b"x\n"))(run)) and None)

# --- openings -----------------------------------------------------------------------------------------------------------------------


def opening(change):
    def stage(run):
        o = json.loads(run.files["opening.json"])
        change(o)
        run.files["opening.json"] = compact(o)
    return stage


case("opening-wrong-salt", "private", facts=opening(lambda o: o["items"][0].update(salt="00" * 31 + "01")))
case("opening-salt-of-another", "private", facts=opening(lambda o: o["items"][0].update(salt=o["items"][3]["salt"])))
case("opening-of-another-run", "private", facts=opening(lambda o: o.update(runId="0192f5c0-7d3a-7c10-9a50-3f2b6f1f0c12")))
case("opening-without-it", "private", facts=opening(lambda o: o["items"].pop(0)))
case("opening-broken", "private", facts=lambda run: run.files.update({"opening.json": b"{}"}))

# --- JSON, UTF-8, base64, size --------------------------------------------------------------------------------------------------------


def in_body(old, new):
    def stage(run, s):
        text = compact(s)
        assert old in text, old
        return text.replace(old, new, 1)
    return stage


case("payload-key-twice", body=in_body(b'"exitCode":0', b'"exitCode":1,"exitCode":0'))
case("payload-key-twice-escaped", body=in_body(b'"exitCode":0', b'"exitCod\\u0065":1,"exitCode":0'))
case("payload-key-twice-deep", body=in_body(b'"cgroup":true', b'"cgroup":true,"cgroup":true'))
case("payload-utf8", body=in_body(b'"weather.csv"', b'"weather\xff.csv"'))
case("payload-utf8-overlong", body=in_body(b'"weather.csv"', b'"weather\xc0\xaf.csv"'))
case("payload-surrogate", body=in_body(b'"weather.csv"', b'"weather\\ud800.csv"'))
case("payload-nul", body=in_body(b'"weather.csv"', b'"weather\0.csv"'))
case("payload-nul-escaped", body=in_body(b'"weather.csv"', b'"weather\\u0000.csv"'))
case("payload-trailing", body=lambda run, s: compact(s) + b"{}")
case("payload-not-json", body=lambda run, s: b"exit status 0")
case("payload-list", body=lambda run, s: compact([s]))
case("payload-depth", facts=put("execution", "later", json.loads("[" * 32 + "]" * 32)))
case("payload-number-beyond", body=in_body(b'"status":0', b'"status":18446744073709551616'))
case("payload-nan", body=in_body(b'"exitCode":0', b'"exitCode":NaN'))
case("line-key-twice", bytes=lambda t: t.replace(b'{"payload":', b'{"payload":"","payload":', 1))
case("line-trailing", bytes=lambda t: t.replace(b"}]}\n", b"}]}x\n", 1))
case("line-two-objects", bytes=lambda t: t.replace(b"}]}\n", b"}]}{}\n", 1))
case("line-depth", bytes=lambda t: t + b'{"a":' + b"[" * 100000 + b"]" * 100000 + b"}\n")
case("line-utf8", bytes=lambda t: t + b'{"a":"\xff"}\n')
case("line-nul", bytes=lambda t: t + b"\0\n")
case("line-list", bytes=lambda t: t + b"[1]\n")
case("line-empty", bytes=lambda t: b"\n" + t)
case("line-many-values", bytes=lambda t: t + b'{"a":[' + b"0," * 5000 + b"0]}\n")
case("line-half", bytes=lambda t: t[:-40])
case("lines-many", bytes=lambda t: t + b"{}\n" * 1000000)
case("file-empty", bytes=lambda t: b"")
case("file-newline", bytes=lambda t: b"\n")
case("file-text", bytes=lambda t: b"This is to certify that all went well.\n")
case("file-other-lines", bytes=lambda t: b'{"a":1}\n{"b":2}\n')
case("base64-blank", envelopes=envelope(1, lambda e, run: e.update(payload=e["payload"][:76] + "\n" + e["payload"][76:])))
case("base64-space", envelopes=envelope(1, lambda e, run: e.update(payload=e["payload"] + " ")))
case("base64-unpadded", envelopes=envelope(1, lambda e, run: e["signatures"][0].update(sig=e["signatures"][0]["sig"].rstrip("="))))
case("base64-overpadded", envelopes=envelope(1, lambda e, run: e["signatures"][0].update(sig=e["signatures"][0]["sig"] + "=")))
case("base64-loose-bits", envelopes=envelope(1, lambda e, run: e["signatures"][0].update(sig=loose_bits(e["signatures"][0]["sig"]))))
case("base64-mixed", envelopes=envelope(1, lambda e, run: e.update(payload="-_+/" + e["payload"][4:])))
case("payload-empty", envelopes=envelope(1, lambda e, run: e.update(payload="")))
case("payload-number", envelopes=envelope(1, lambda e, run: e.update(payload=7)))

# --- beside others --------------------------------------------------------------------------------------------------------------------

PREVIOUS = sha(compact(json.loads(body_of(json.loads(Run.build(BASES["first"](), {}).split(b"\n")[0])))))


def later(number, previous=PREVIOUS, **changes):
    def change(run):
        run.open["sequence"] = {"counter": number, "previous": {"sha256": previous}}
        run.close["sequence"] = {"counter": number}
        for path, value in changes.items():
            predicate, rest = path.replace("__", ".").split(".", 1)
            put(predicate, rest, value)(run)
    return change


FRESH = {"audience": None, "nonce": "1" * 64}
case("after-next", facts=later(42, open__challenge=FRESH, execution__challenge=FRESH))
case("after-gap", facts=later(45, "d" * 64, open__challenge=FRESH, execution__challenge=FRESH))
case("after-nonce-reused", facts=later(42))
case("after-number-again", facts=later(41, open__challenge=FRESH, execution__challenge=FRESH))
case("after-number-below", facts=later(40, open__challenge=FRESH, execution__challenge=FRESH))
case("after-link-broken", facts=later(42, "e" * 64, open__challenge=FRESH, execution__challenge=FRESH))


def rival(change=lambda run: None):
    def stage(run):
        run.identity, run.key = key(b"rival"), key(b"rival once")
        run.open["worker"]["identityKeyId"] = keyid(run.identity)
        run.open["ephemeralKey"]["spki"] = base64.b64encode(spki(run.key)).decode()
        run.close["ephemeralKey"]["keyId"] = keyid(run.key)
        change(run)
    return stage


case("rival-same", facts=rival())
case("rival-output", facts=rival(lambda run: run.outputs.update({"out/result.json": plain(b"another")})))
case("rival-output-missing", facts=rival(lambda run: (run.outputs.pop("out/plots/a.png"), put("execution", "result.outputs.files", 1)(run))))
case("rival-stdout", facts=rival(lambda run: run.outputs.update(stdout=plain(b"another"))))
case("rival-stdin", facts=rival(lambda run: (put("execution", "plan.stdin", "stream")(run),
                                             put("execution", "result.stdin", {"digest": plain(b"another"), "bytes": 7})(run))))
case("stdin-read", facts=several(("execution.plan.stdin", "stream"), ("execution.result.stdin", {"digest": plain(b"one"), "bytes": 3})))
case("rival-exit", facts=rival(lambda run: run.execution["result"].update(exitCode=1, status=1)))
case("rival-plan", facts=rival(lambda run: run.execution["plan"]["script"].update(digest=plain(b"another"))))
case("rival-image", facts=rival(lambda run: run.execution["plan"].update(environment=image())))
case("rival-other-image", facts=rival(lambda run: run.execution["plan"].update(environment=image((b"x",), (b"x",)))))
case("rival-env", facts=rival(lambda run: run.execution["plan"]["env"].update(commitment=committed("env", "other", b"x"))))
case("rival-private", "private", facts=rival())
case("rival-private-other-salt", "private", facts=rival(lambda run: (
    run.execution["plan"]["inputs"][0].update(digest=committed("input", "other", INPUT)),
    run.outputs.update({n: committed("other", n, d) for n, d in OUTPUTS.items()}))))
case("same-identity-again", facts=lambda run: (setattr(run, "key", key(b"twice")), put("open", "ephemeralKey.spki", base64.b64encode(spki(key(b"twice"))).decode())(run),
                                               put("close", "ephemeralKey.keyId", keyid(key(b"twice")))(run), later(43, "f" * 64)(run)))


def write(folder, name, data):
    with open(os.path.join(folder, name), "wb") as f:
        f.write(data if isinstance(data, bytes) else data.encode())


def main():
    if sys.argv[1:] == ["--list"]:
        for name, (base, _) in CASES.items():
            print(name, base)
        return
    (folder,) = sys.argv[1:]
    for name in ("acme", "rival", "mallory"):
        write(folder, name + ".pem", pem(key(name.encode())))
    write(folder, "acme.pub", "ssh-ed25519 %s acme@example\n" % base64.b64encode(
        struct.pack(">I11sI", 11, b"ssh-ed25519", 32) + raw(key(b"acme"))).decode())
    for name, point in {"neutral": NEUTRAL, "order-8": OF_ORDER_8, "not-canonical": NOT_CANONICAL}.items():
        write(folder, "weak-%s.pem" % name, pem(point))
    for name, data in {**OUTPUTS, "weather.csv": INPUT, "script.py": SCRIPT}.items():
        write(folder, "file-" + os.path.basename(name), data)
    for name, (base, stages) in {**{b: (b, {}) for b in BASES}, **CASES}.items():
        run = BASES[base]()
        write(folder, name + ".jsonl", run.build(stages))
        for suffix, data in run.files.items():
            write(folder, "%s.%s" % (name, suffix), data)


if __name__ == "__main__":
    main()
