#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""
Test vectors of the execution certificate: bundles that every verifier must accept and others that each must refuse.

    make.py all FOLDER          writes the bundles, the public keys and the list `expected` into FOLDER
    make.py key|ssh-key NAME    prints the secret key NAME (identity, other, ephemeral) as PEM, for tests that sign
    make.py many FOLDER COUNT   COUNT good bundles with run ids and usage of their own (for sandrun bill)
    make.py used FILE USER-NS SYSTEM-NS WALL-NS PEAK-BYTES [MEMORY-SOURCE]      one such

Ed25519 signatures are deterministic and everything else is fixed, so that each call writes the same bytes. The secret
keys are digests of published words: they protect nothing and must never be trusted by anybody.

This program and python3-cryptography share no code with sandrun: where both agree, the format is what is written down.
"""
import base64
import copy
import hashlib
import hmac
import json
import os
import re
import sys

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

PAYLOAD_TYPE = "application/vnd.in-toto+json"
SPKI_PREFIX = bytes.fromhex("302a300506032b6570032100")
L = 2**252 + 27742317777372353535851937790883648493
EMPTY = hashlib.sha256(b"").hexdigest()
NAMESPACE = b"sandrun-certificate-v1"


# --- keys and envelopes ----------------------------------------------------------------------------------------------

class Key:
    def __init__(self, name):
        self.secret = Ed25519PrivateKey.from_private_bytes(
            hashlib.sha256(b"sandrun test vector key: " + name.encode()).digest())
        raw = self.secret.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        self.set_public(raw)

    def set_public(self, raw):
        self.raw = raw
        self.spki = SPKI_PREFIX + raw
        self.id = hashlib.sha256(self.spki).hexdigest()

    def sign(self, data):
        return self.secret.sign(data)

    def public_pem(self):
        body = base64.b64encode(self.spki).decode()
        return f"-----BEGIN PUBLIC KEY-----\n{body}\n-----END PUBLIC KEY-----\n"

    def secret_pem(self):
        return self.secret.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                         serialization.NoEncryption()).decode()

    def secret_openssh(self):
        return self.secret.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH,
                                         serialization.NoEncryption()).decode()

    def ssh_blob(self):
        return ssh_string(b"ssh-ed25519") + ssh_string(self.raw)


class Forgeable(Key):
    """A key of small order: the signature (its own bytes, 32 zeros) fits every message where the verifier does not look."""

    def __init__(self, raw):
        self.set_public(raw)

    def sign(self, data):
        return bytes.fromhex("01" + 31 * "00") + bytes(32)


def compact(o):
    """As jansson writes it: Python differs in the control characters alone, \\u001f for \\u001F."""
    text = json.dumps(o, separators=(",", ":"), sort_keys=True, ensure_ascii=False)
    return re.sub(r"\\(u[0-9a-f]{4}|.)", lambda m: m[0] if len(m[1]) == 1 else "\\u" + m[1][1:].upper(), text).encode()


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def pae(payload, payload_type=PAYLOAD_TYPE):
    return b"DSSEv1 %d %s %d " % (len(payload_type), payload_type.encode(), len(payload)) + payload


def b64(data):
    return base64.b64encode(data).decode()


def envelope(payload, key, payload_type=PAYLOAD_TYPE):
    return {"payload": b64(payload), "payloadType": payload_type,
            "signatures": [{"keyid": key.id, "sig": b64(key.sign(pae(payload, payload_type)))}]}


def ssh_string(data):
    return len(data).to_bytes(4, "big") + data


def ssh_signature(key, message):
    """PROTOCOL.sshsig of OpenSSH."""
    tail = ssh_string(NAMESPACE) + ssh_string(b"") + ssh_string(b"sha512")
    signed = b"SSHSIG" + tail + ssh_string(hashlib.sha512(message).digest())
    blob = (b"SSHSIG" + (1).to_bytes(4, "big") + ssh_string(key.ssh_blob()) + tail +
            ssh_string(ssh_string(b"ssh-ed25519") + ssh_string(key.sign(signed))))
    text = b64(blob)
    lines = [text[i:i + 70] for i in range(0, len(text), 70)]
    return "\n".join(["-----BEGIN SSH SIGNATURE-----", *lines, "-----END SSH SIGNATURE-----", ""])


# --- commitments and the trace's tree ---------------------------------------------------------------------------------

def item_salt(run_salt, role, name):
    return hmac.new(run_salt, b"sandrun-commit-v1\0" + role.encode() + b"\0" + name.encode(), hashlib.sha256).digest()


def commitment(role, name, data, run_salt):
    return {"sandrunHmacSha256V1": hmac.new(item_salt(run_salt, role, name), data, hashlib.sha256).hexdigest()}


def tree_root(lines):
    """RFC 6962, 2.1, over lines without their newlines."""
    if not lines:
        return hashlib.sha256(b"").digest()
    if len(lines) == 1:
        return hashlib.sha256(b"\0" + lines[0].rstrip(b"\n")).digest()
    k = 1
    while k * 2 < len(lines):
        k *= 2
    return hashlib.sha256(b"\1" + tree_root(lines[:k]) + tree_root(lines[k:])).digest()


# --- one run ------------------------------------------------------------------------------------------------------------

IDENTITY, OTHER = Key("identity"), Key("other")
SALT = hashlib.sha256(b"sandrun test vector salt").digest()
LIMITS = {"cpu.time": "60000000000", "memory.max": 536870912, "pids.max": 128, "stdio.max": 10485760,
          "wall.time": "300000000000"}
MECHANISMS = {"cpu.time": "supervisor:watchdog+RLIMIT_CPU", "memory.max": "cgroup2:memory.max", "pids.max": "cgroup2:pids.max",
              "stdio.max": "supervisor:streams", "wall.time": "supervisor:deadline"}
NAMESPACES = ["cgroup", "ipc", "mount", "network", "pid", "user", "uts"]


def digest_of(data):
    return {"sha256": sha256(data)}


def base_plan():
    argv = b"python3\0/work/primes.py\0" + b"1000\0"
    return {
        "argv": {"commitment": commitment("argv", "argv", argv, SALT), "count": 3},
        "env": {"commitment": commitment("env", "env", b"HOME=/work\0LANG=C.UTF-8\0", SALT), "names": ["HOME", "LANG"]},
        "environment": {"digest": None, "name": "host", "reason": "the host's own files are not digested"},
        "inputs": [{"bytes": 12, "digest": digest_of(b"hello world\n"), "name": "hello.txt"}],
        "language": "python",
        "limits": dict(LIMITS),
        "network": "none",
        "outputs": ["out/*"],
        "private": {"args": False, "outputs": False, "saltMode": "kept"},
        "profile": {"digest": digest_of(b"default"), "name": "default"},
        "project": None,
        "script": {"digest": digest_of(b"print(1)\n"), "name": "primes.py"},
        "stdin": "none",
        "strict": False,
        "trace": False,
    }


def base_enforced():
    return {
        "capabilities": {"known": "observed", **{s: 16 * "0" for s in
                                                 ("ambient", "bounding", "effective", "inheritable", "permitted")}},
        "idMap": {"gid": "1000 1000 1", "known": "observed", "uid": "1000 1000 1"},
        "landlock": {"abi": 4, "known": "installed", "rulesetDigest": digest_of(b"ruleset")},
        "limits": [{"enforced": v, "known": "observed" if "cgroup2" in MECHANISMS[n] else "installed", "mechanism": MECHANISMS[n],
                    "name": n, "requested": v} for n, v in LIMITS.items()],
        "namespaces": {"known": "observed", **{n: True for n in NAMESPACES}},
        "noNewPrivs": {"known": "observed", "value": True},
        "seccomp": {"filter": {"arch": "AUDIT_ARCH_X86_64", "digest": digest_of(b"filter"), "instructions": 214,
                               "known": "installed"}, "known": "observed", "mode": 2},
    }


def base_result():
    return {
        "error": None, "exitCode": 0, "finishedAt": "2026-11-21T05:40:03Z", "limitHit": None, "outcome": "exited",
        "outputs": {"bytes": 2, "files": 1}, "signal": None, "startedAt": "2026-11-21T05:40:01Z", "status": 0,
        "stdin": None,
        "streams": {"stderr": {"bytes": 0, "truncated": False}, "stdout": {"bytes": 7, "truncated": False}},
        "usage": {"cpuSystemNs": "3000000", "cpuUserNs": "1500000000", "memoryPeakBytes": 9437184,
                  "source": {"cpu": "rusage", "memory": "cgroup-memory.peak", "wall": "clock-monotonic"},
                  "wallNs": "2011020000"},
    }


class Run:
    """The three statements of one run; a test changes what it likes, then writes."""

    def __init__(self, name, number=1):
        self.identity, self.ephemeral = IDENTITY, Key("ephemeral " + name)
        self.run_id = "0192f5c0-%04x-7c10-9a50-%s" % (number & 0xffff, sha256(name.encode())[:12])
        self.counter = 40 + number
        self.challenge = None
        self.plan, self.enforced, self.result = base_plan(), base_enforced(), base_result()
        self.subjects = [("stdout", digest_of(b"78498\n\n")), ("stderr", {"sha256": EMPTY}), ("out/n.txt", digest_of(b"1\n"))]
        self.attestation, self.assurance, self.trace = [], "self-asserted", None
        self.open_plan = None   # what run-open says of the plan, where it is a lie
        self.execution_key = self.close_key = None
        self.log = None         # of the trace: bytes
        self.change_open = self.change_execution = self.change_close = lambda statement: None

    def statement(self, kind, subject, predicate):
        return {"_type": "https://in-toto.io/Statement/v1", "predicate": predicate,
                "predicateType": f"https://sandrun.io/{kind}/v0.1", "subject": subject}

    def open(self):
        s = self.statement("run-open", [{"digest": digest_of(self.ephemeral.spki), "name": "ephemeral-key"}], {
            "challenge": self.challenge,
            "ephemeralKey": {"algorithm": "ed25519", "spki": b64(self.ephemeral.spki), "use": "one-signature"},
            "expiresAt": "2026-11-21T06:40:00Z", "issuedAt": "2026-11-21T05:40:00Z",
            "plan": {"digest": digest_of(compact(self.open_plan or self.plan))}, "runId": self.run_id,
            "sequence": {"counter": self.counter, "previous": digest_of(b"%d" % (self.counter - 1))},
            "worker": {"identityKeyId": self.identity.id}})
        self.change_open(s)
        return compact(s)

    def execution(self, open_digest):
        subject = [{"digest": {"sha256": open_digest}, "name": "run"}]
        subject += [{"digest": d, "name": n} for n, d in self.subjects]
        s = self.statement("execution", subject, {
            "assurance": self.assurance, "attestation": self.attestation, "challenge": self.challenge,
            "destruction": {"claims": [{"checked": "umount and mountinfo", "method": "mount namespace ended",
                                        "performed": True, "storage": "tmpfs", "target": "sandbox-mounts"}],
                            "notCovered": ["swap", "page cache of the sources", "copies outside sandrun"]},
            "enforced": self.enforced,
            "executor": {"digest": digest_of(b"sandrun"), "name": "sandrun",
                         "version": {"kernel": "6.1.0-28-amd64", "libsodium": "1.0.18", "sandrun": "0.1.0"}},
            "notClaimed": ["that the operator, or a process of the same user, did not sign something else",
                           "that the wall-clock time is right"],
            "plan": self.plan, "result": self.result, "runId": self.run_id,
            "runOpen": {"digest": {"sha256": open_digest}, "mediaType": PAYLOAD_TYPE}, "trace": self.trace})
        self.change_execution(s)
        return compact(s)

    def close(self, open_digest, execution_digest):
        s = self.statement("run-close", [{"digest": {"sha256": execution_digest}, "name": "execution"}], {
            "closedAt": "2026-11-21T05:40:04Z",
            "ephemeralKey": {"checked": "the bytes were read back as zeros", "keyId": self.ephemeral.id,
                             "method": "sodium_free", "signaturesIssued": 1, "state": "zeroed"},
            "outcome": "certified", "runId": self.run_id, "runOpen": {"digest": {"sha256": open_digest}},
            "sequence": {"counter": self.counter}})
        self.change_close(s)
        return compact(s)

    def envelopes(self):
        opened = self.open()
        executed = self.execution(sha256(opened))
        closed = self.close(sha256(opened), sha256(executed))
        return [envelope(opened, self.identity), envelope(executed, self.execution_key or self.ephemeral),
                envelope(closed, self.close_key or self.identity)]

    def attest(self, simulated):
        """Needs the final run-open; call it last."""
        data = hashlib.sha512(pae(self.open(), "application/vnd.sandrun.report-data.v1")).hexdigest()
        # the size and the place of a TDX quote of version 4, and nothing that any processor signed
        quote = (4).to_bytes(2, "little") + (2).to_bytes(2, "little") + (0x81).to_bytes(4, "little")
        quote = quote.ljust(568, b"\0") + bytes.fromhex(data) + (0).to_bytes(4, "little")
        self.attestation = [{"provider": "tdx_guest", "quote": b64(quote),
                             "reportData": data, "reportDataPreimage": "run-open", "simulated": simulated}]
        self.assurance = "simulated-quote" if simulated else "quote-present"


def text(envelopes):
    return b"".join(compact(e) + b"\n" for e in envelopes)


# --- the good ones --------------------------------------------------------------------------------------------------------

def setup_failed(r):
    r.result.update(error={"code": "E_USERNS_DENIED", "stage": "sandbox"}, exitCode=None, outcome="setup-failed", startedAt=None,
                    status=125, streams={}, usage=None, outputs={"bytes": 0, "files": 0})
    r.enforced, r.subjects = None, []


def signaled(r):
    r.result.update(exitCode=None, outcome="signaled", signal=11, status=139)


def limit(r):
    r.result.update(exitCode=None, limitHit="memory", outcome="limit", signal=9, status=137)
    r.result["usage"]["memoryPeakBytes"] = LIMITS["memory.max"]


def killed(r):
    r.result.update(exitCode=None, outcome="killed", signal=15, status=143)


def challenged(r):
    r.challenge = {"audience": "verifier.example", "nonce": 32 * "2f"}


def private(r):
    r.plan["private"] = {"args": True, "outputs": True, "saltMode": "kept"}
    r.plan["inputs"] = [{"digest": commitment("input", "salaries.csv", b"ssn,123456789\n", SALT), "name": "salaries.csv"}]
    r.result["streams"] = {"stderr": {"truncated": False}, "stdout": {"truncated": False}} # a size is a fact about the bytes
    r.result["outputs"] = {"files": 1}
    r.subjects = [("stdout", commitment("stdout", "stdout", b"78498\n\n", SALT)), ("stderr", commitment("stderr", "stderr", b"", SALT)),
                  ("out/n.txt", commitment("output", "n.txt", b"1\n", SALT))]


def traced(r):
    who = {"pid": 2, "ppid": 1, "tid": 2}
    events = [{"arguments": False, "coverage": COVERAGE, "event": "begin", "format": "sandrun-trace", "mechanisms": MECHANISM,
               "races": [], "version": 1},
              {"event": "start", "kind": "process", **who},
              {"argc": 2, "event": "exec", "how": "exe", "path": "/usr/bin/x", "result": 0, **who},
              {"event": "open", "flags": "O_RDONLY", "how": "descriptor", "path": "/etc/a ü%", "result": 0, **who},
              {"event": "open", "flags": "O_RDONLY", "how": "claimed", "path": "/work/\ufffd.bin", "pathHex": "2f776f726b2fff2e62696e",
               "result": "ENOENT", **who},
              {"address": "192.0.2.1", "event": "connect", "family": "inet", "how": "sockaddr", "port": 443, "result": "ENETUNREACH", **who},
              {"event": "connect", "family": "unix", "how": "sockaddr", "path": "/run/x", "result": "ENOENT", **who},
              {"code": 0, "event": "exit", "kind": "process", **who}, {"event": "end"}]
    lines = [compact({"ns": str(1000 * i), "seq": i, **e}) + b"\n" for i, e in enumerate(events)]
    r.log = b"".join(lines)
    r.plan["trace"] = True
    r.trace = {"complete": True, "coverage": COVERAGE, "digest": digest_of(r.log), "dropped": 0, "mechanisms": MECHANISM,
               "mediaType": "application/vnd.sandrun.trace.v1+jsonl", "races": [],
               "rootHash": tree_root(lines).hex(), "tree": "rfc6962-sha256", "treeSize": len(lines)}


COVERAGE, MECHANISM = ["start", "exec", "open", "connect", "exit"], ["ptrace", "seccomp-trace"]


def unicode_names(r):
    r.plan["script"]["name"] = "größe – 数 \x1f\x1b\x7f \\u001f.py"
    r.subjects[2] = ("out/größe.txt", r.subjects[2][1])


def url_safe(envelopes):
    for e in envelopes:
        e["payload"] = e["payload"].replace("+", "-").replace("/", "_")
        e["signatures"][0]["sig"] = e["signatures"][0]["sig"].replace("+", "-").replace("/", "_")


def good():
    """Name -> (the run, its bytes)."""
    kinds = {"exited": lambda r: None, "signaled": signaled, "limit": limit, "setup-failed": setup_failed, "killed": killed,
             "challenge": challenged, "private": private, "trace": traced, "unicode": unicode_names,
             "simulated-quote": lambda r: r.attest(True), "quote-present": lambda r: r.attest(False)}
    out = {}
    for number, (name, change) in enumerate(kinds.items(), 1):
        r = Run(name, number)
        change(r)
        out["good-" + name] = (r, text(r.envelopes()))
    r, e = out["good-exited"][0], out["good-exited"][0].envelopes()
    unknown = {"mediaType": "application/vnd.example+json", "note": "no envelope"}
    out["good-reordered"] = (r, text([e[2], e[0], e[1]]))
    out["good-unknown-lines"] = (r, text([unknown, e[0], e[1], envelope(compact(
        {"_type": "https://in-toto.io/Statement/v1", "predicate": {}, "predicateType": "https://example.com/other/v1",
         "subject": []}), OTHER), e[2]]))
    for name, change in (("no-keyid", lambda s: s.pop("keyid")), ("wrong-keyid", lambda s: s.update(keyid=64 * "0"))):
        changed = copy.deepcopy(e)
        for line in changed:
            change(line["signatures"][0])
        out["good-" + name] = (r, text(changed))
    safe = copy.deepcopy(e)
    url_safe(safe)
    out["good-url-safe"] = (r, text(safe))
    return out


# --- the bad ones: name, status that a verifier gives, what is wrong ----------------------------------------------------

def changed_run(change):
    def make():
        r = Run("exited", 1)
        change(r)
        return text(r.envelopes())
    return make


def changed_lines(change):
    def make():
        e = Run("exited", 1).envelopes()
        return text(change(e) or e)
    return make


def in_statement(which, change):
    return changed_run(lambda r: setattr(r, "change_" + which, change))


def flip_payload(e):
    body = base64.b64decode(e[1]["payload"]).replace(b'"exitCode":0', b'"exitCode":1')
    e[1]["payload"] = b64(body)


def retyped(e):
    e[1]["payloadType"] = "application/json"


def resigned(r):
    r.execution_key = OTHER


def strange_ephemeral(key):
    def change(r):
        r.ephemeral = key
    return change


def mixed_order_key():
    """The ephemeral key plus the point of order two: (x, y) + (0, -1) = (-x, -y). The signature is tried until it fits."""
    key = Key("ephemeral exited")
    p = 2**255 - 19
    number = int.from_bytes(key.raw, "little")
    y, sign = number & (2**255 - 1), number >> 255
    d = -121665 * pow(121666, p - 2, p) % p
    xx = (y * y - 1) * pow(d * y * y + 1, p - 2, p) % p
    x = pow(xx, (p + 3) // 8, p)
    if (x * x - xx) % p:
        x = x * pow(2, (p - 1) // 4, p) % p
    if x & 1 != sign:
        x = p - x
    raw = ((p - y) | (((p - x) & 1) << 255)).to_bytes(32, "little")

    class Mixed(Key):
        def __init__(self):
            self.set_public(raw)

        def sign(self, data):
            # k * A' = k * A for even k: a nonce is chosen until the challenge is even, and s is the honest one.
            seed = hashlib.sha512(key.secret.private_bytes(serialization.Encoding.Raw, serialization.PrivateFormat.Raw,
                                                           serialization.NoEncryption())).digest()
            a = int.from_bytes(seed[:32], "little") & ~7 & (2**254 - 1) | 2**254
            for n in range(64):
                base = Key("nonce %d" % n)
                r = hashlib.sha512(hashlib.sha256(b"sandrun test vector key: " + b"nonce %d" % n).digest()).digest()
                r = int.from_bytes(r[:32], "little") & ~7 & (2**254 - 1) | 2**254
                k = int.from_bytes(hashlib.sha512(base.raw + raw + data).digest(), "little") % L
                if k % 2 == 0:
                    return base.raw + ((r + k * a) % L).to_bytes(32, "little")
            raise AssertionError("no even challenge")
    return Mixed()


def plus_l(e):
    sig = bytearray(base64.b64decode(e[1]["signatures"][0]["sig"]))
    sig[32:] = (int.from_bytes(sig[32:], "little") + L).to_bytes(32, "little")
    e[1]["signatures"][0]["sig"] = b64(bytes(sig))


def rewritten(which, old, new):
    """The payload of a line as other bytes, validly signed; the later statements name the new bytes."""
    def make():
        r = Run("exited", 1)
        opened = r.open()
        if which == 0:
            opened = opened.replace(old, new)
        executed = r.execution(sha256(opened))
        if which == 1:
            assert old in executed
            executed = executed.replace(old, new)
        closed = r.close(sha256(opened), sha256(executed))
        if which == 2:
            assert old in closed
            closed = closed.replace(old, new)
        return text([envelope(opened, r.identity), envelope(executed, r.ephemeral), envelope(closed, r.identity)])
    return make


def two_executions(e):
    r = Run("exited", 1)
    second = copy.deepcopy(r.result)
    second.update(exitCode=1, status=1)
    r.result = second
    return [e[0], e[1], r.envelopes()[1], e[2]]


def other_plan(r):
    r.open_plan = base_plan()
    r.plan["profile"]["name"] = "strict"


def other_open(e):
    r = Run("another", 2)
    return [r.envelopes()[0], e[1], e[2]]


def untrusted(r):
    r.identity = OTHER


def both_ends(r):
    r.result.update(signal=9)


def plain_beside(r):
    private(r)
    r.plan["inputs"][0]["digest"]["sha256"] = sha256(b"ssn,123456789\n")


def edit_sig(change):
    def edit(e):
        e[1]["signatures"] = change(e[1]["signatures"])
    return changed_lines(edit)


def edit_payload(change):
    def edit(e):
        e[1]["payload"] = change(e[1]["payload"])
    return changed_lines(edit)


def trailing_bits(payload):
    """The last letter before the padding gets a bit that stands for nothing."""
    body = payload.rstrip("=")
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    return body[:-1] + letters[letters.index(body[-1]) + 1] + payload[len(body):]


def padded_run(find):
    """The exited run with a script name long enough that `find` says yes to the execution's base64."""
    for n in range(200):
        r = Run("exited", 1)
        r.plan["script"]["name"] = "primes" + n * "x" + ".py"
        e = r.envelopes()
        if find(e[1]["payload"]):
            return e
    raise AssertionError("no such payload")


def bad_bits():
    e = padded_run(lambda p: p.endswith("="))
    e[1]["payload"] = trailing_bits(e[1]["payload"])
    return text(e)


def bad_padding():
    e = padded_run(lambda p: p.endswith("="))
    e[1]["payload"] = e[1]["payload"].rstrip("=")
    return text(e)


def mixed_alphabets():
    r = Run("exited", 1)
    r.plan["script"]["name"] = "???>>>~~~???>>>~~~.py"
    e = r.envelopes()
    assert "/" in e[1]["payload"] and "+" in e[1]["payload"] or e[1]["payload"].count("/") > 1
    e[1]["payload"] = e[1]["payload"].replace("/", "_", 1)
    assert "+" in e[1]["payload"] or "/" in e[1]["payload"]
    return text(e)


def wrong_report(r):
    r.attest(False)
    r.attestation[0]["reportData"] = 128 * "0"


def trailing():
    r = Run("exited", 1)
    opened = r.open()
    executed = r.execution(sha256(opened)) + b"{}"
    closed = r.close(sha256(opened), sha256(executed))
    return text([envelope(opened, r.identity), envelope(executed, r.ephemeral), envelope(closed, r.identity)])


# Name, status, what is wrong, verifiers that cannot see it (a shell has no arithmetic on curves), how it is made.
BAD = [
    ("payload-byte", 1, "the execution says another exit code than was signed", "", changed_lines(flip_payload)),
    ("signature-byte", 1, "one byte of a signature differs", "",
     changed_lines(lambda e: e[2]["signatures"][0].update(sig="A" + e[2]["signatures"][0]["sig"][1:]))),
    ("payload-type", 2, "the execution under another payloadType", "", changed_lines(retyped)),
    ("no-signature", 2, "the execution has no signature", "", edit_sig(lambda s: [])),
    ("two-signatures", 2, "the execution has two signatures", "", edit_sig(lambda s: s + [dict(s[0], keyid=64 * "1")])),
    ("same-signature-twice", 2, "the execution has one signature twice", "", edit_sig(lambda s: s + s)),
    ("execution-resigned", 1, "the execution is signed by a key that run-open does not endorse", "", changed_run(resigned)),
    ("close-by-ephemeral", 1, "run-close is signed by the ephemeral key", "",
     changed_run(lambda r: setattr(r, "close_key", r.ephemeral))),
    ("untrusted-identity", 1, "everything is signed by an identity that nobody trusts", "", changed_run(untrusted)),
    ("no-run-open", 1, "run-open is missing", "", changed_lines(lambda e: e[1:])),
    ("no-run-close", 1, "run-close is missing", "", changed_lines(lambda e: e[:2])),
    ("two-executions", 1, "two executions, both validly signed by the ephemeral key", "", changed_lines(two_executions)),
    ("plan-differs", 1, "the execution's plan is not the one that run-open names", "", changed_run(other_plan)),
    ("other-run-open", 1, "run-open belongs to another run of the same identity", "", changed_lines(other_open)),
    ("other-execution", 1, "run-close names another execution", "",
     in_statement("close", lambda s: s["subject"][0]["digest"].update(sha256=64 * "0"))),
    ("run-id-differs", 1, "the execution has another run id", "",
     in_statement("execution", lambda s: s["predicate"].update(runId="0192f5c0-7d3a-7c10-9a50-3f2b6f1f0c11"))),
    ("challenge-differs", 1, "the execution answers another challenge than run-open", "",
     in_statement("execution", lambda s: s["predicate"].update(challenge={"audience": None, "nonce": 32 * "aa"}))),
    ("subject-differs", 1, "the execution's first subject is not run-open", "",
     in_statement("execution", lambda s: s["subject"][0]["digest"].update(sha256=64 * "0"))),
    ("close-key-differs", 1, "run-close speaks of another ephemeral key", "",
     in_statement("close", lambda s: s["predicate"]["ephemeralKey"].update(keyId=64 * "0"))),
    ("small-order-key", 1, "run-open endorses a key with which one signature fits every message", "",
     changed_run(strange_ephemeral(Forgeable(bytes.fromhex("01" + 31 * "00"))))),
    ("non-canonical-key", 1, "the same point in an encoding that is not canonical", "",
     changed_run(strange_ephemeral(Forgeable(bytes.fromhex("ee" + 30 * "ff" + "7f"))))),
    ("mixed-order-key", 1, "run-open endorses a key outside the main subgroup", "verify.sh",
     changed_run(lambda r: setattr(r, "ephemeral", mixed_order_key()))),
    ("s-plus-l", 1, "the signature's second half is not below the group's order", "", changed_lines(plus_l)),
    ("double-key", 2, "the execution, validly signed, has exitCode twice", "",
     rewritten(1, b'"exitCode":0', b'"exitCode":1,"exitCode":0')),
    ("double-object", 2, "the execution, validly signed, has usage twice, as objects with different members", "",
     rewritten(1, b'"usage":{"cpuSystemNs":"3000000",', b'"usage":{"cpuSystemNs":"3000000"},"usage":{')),
    ("bad-utf8", 2, "the execution, validly signed, is no UTF-8", "", rewritten(1, b"primes.py", b"primes\xff.py")),
    ("trailing-data", 2, "the execution, validly signed, goes on behind its end", "", trailing),
    ("base64-blank", 2, "a blank inside the base64", "", edit_payload(lambda p: p[:40] + " " + p[40:])),
    ("base64-padding", 2, "base64 without its padding", "", bad_padding),
    ("base64-bits", 2, "base64 whose last letter has bits that stand for nothing", "", bad_bits),
    ("base64-mixed", 2, "both base64 alphabets in one text", "", mixed_alphabets),
    ("exit-and-signal", 1, "the execution, validly signed, has an exit code and a signal", "", changed_run(both_ends)),
    ("plain-beside-commitment", 2, "the execution, validly signed, gives the plain digest beside a commitment", "",
     changed_run(plain_beside)),
    ("outcome-text", 2, "the execution, validly signed, has an outcome that would clear the screen of who prints it", "",
     changed_run(lambda r: r.result.update(outcome="\x1b[2J\x1b[Hok         everything", exitCode=None))),
    ("real-number", 2, "run-close, validly signed, counts its signatures as 1.0", "", rewritten(2, b'"signaturesIssued":1', b'"signaturesIssued":1.0')),
    ("true-for-one", 2, "run-close, validly signed, counts its signatures as true", "",
     in_statement("close", lambda s: s["predicate"]["ephemeralKey"].update(signaturesIssued=True))),
    ("statement-type", 2, "the execution, validly signed, is no in-toto statement", "", in_statement("execution", lambda s: s.update(_type="x"))),
    ("network", 2, "the execution, validly signed, has a network", "", changed_run(lambda r: r.plan.update(network="host"))),
    ("type-newline", 1, "the execution's predicateType, validly signed, ends in a newline", "",
     in_statement("execution", lambda s: s.update(predicateType=s["predicateType"] + "\n"))),
    ("type-nul", 2, "the execution's predicateType, validly signed, ends in a NUL", "",
     in_statement("execution", lambda s: s.update(predicateType=s["predicateType"] + "\0"))),
    ("no-run-id", 2, "no statement, validly signed, has a run id", "", changed_run(lambda r: setattr(r, "run_id", None))),
    ("report-data-differs", 1, "the quote was made for another run", "", changed_run(wrong_report)),
]


# --- writing --------------------------------------------------------------------------------------------------------------

SUFFIX = ".intoto.jsonl"


def put(folder, name, data):
    with open(os.path.join(folder, name), "wb") as f:
        f.write(data if isinstance(data, bytes) else data.encode())


def write_all(folder):
    rows = ["# FILE<TAB>STATUS of a verifier that trusts identity.pub.pem<TAB>VERIFIERS that cannot see it<TAB>WHAT is wrong"]
    for name, (r, data) in good().items():
        put(folder, name + SUFFIX, data)
        if r.log is not None:
            put(folder, name + ".trace.jsonl", r.log)
        rows.append(f"{name}{SUFFIX}\t0\t-\tnothing")
    put(folder, "good-exited.sshsig", ssh_signature(IDENTITY, good()["good-exited"][1]))
    for name, status, note, blind, make in BAD:
        put(folder, f"bad-{name}{SUFFIX}", make())
        rows.append(f"bad-{name}{SUFFIX}\t{status}\t{blind or '-'}\t{note}")
    put(folder, "identity.pub.pem", IDENTITY.public_pem())
    put(folder, "other.pub.pem", OTHER.public_pem())
    put(folder, "allowed_signers", f"identity namespaces=\"{NAMESPACE.decode()}\" ssh-ed25519 {b64(IDENTITY.ssh_blob())}\n")
    put(folder, "expected", "\n".join(rows) + "\n")


def used(name, number, user, system, wall, peak, source="cgroup-memory.peak"):
    """A run without limits that used so much."""
    r = Run("used " + name, number)
    r.plan["limits"], r.enforced["limits"] = {n: "unlimited" for n in LIMITS}, []
    r.result["usage"].update(cpuUserNs=str(user), cpuSystemNs=str(system), wallNs=str(wall), memoryPeakBytes=peak)
    r.result["usage"]["source"]["memory"] = source
    seconds = min(int(wall) // 10**9, 3000)
    r.result["finishedAt"] = "2026-11-21T%02d:%02d:%02dZ" % (5 + (2401 + seconds) // 3600, (2401 + seconds) // 60 % 60,
                                                             (2401 + seconds) % 60)
    r.change_close = lambda s: s["predicate"].update(closedAt=r.result["finishedAt"])
    return text(r.envelopes())


def write_many(folder, count):
    for i in range(1, count + 1):
        put(folder, "%05d%s" % (i, SUFFIX), used(str(i), i, i * 1000000007, i * 11, i * 2000000011, i * 1048573))


def main(words):
    if len(words) == 2 and words[0] == "all":
        write_all(words[1])
    elif len(words) == 2 and words[0] == "key":
        print(Key(words[1]).secret_pem(), end="")
    elif len(words) == 2 and words[0] == "ssh-key":
        print(Key(words[1]).secret_openssh(), end="")
    elif len(words) in (6, 7) and words[0] == "used":
        put(".", words[1], used(words[1], int(sha256(words[1].encode())[:8], 16), *words[2:5], int(words[5]), *words[6:]))
    elif len(words) == 3 and words[0] == "many":
        write_many(words[1], int(words[2]))
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
