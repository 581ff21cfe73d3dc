#!/usr/bin/env node
// SPDX-License-Identifier: MIT
//
// Verifies a sandrun certificate with node:crypto: nothing of sandrun's, no package.
//
//   node verify.mjs CERTIFICATE IDENTITY.pub.pem
//
// Exit status: 0 every check holds, 1 one fails, 2 malformed.
import { createHash, createPublicKey, verify } from "node:crypto";
import { readFileSync } from "node:fs";

const TYPE = "application/vnd.in-toto+json", STATEMENT = "https://in-toto.io/Statement/v1";
const OUTCOMES = ["exited", "signaled", "limit", "setup-failed", "killed"];
const ASSURANCES = ["self-asserted", "simulated-quote", "quote-present"];
const PREFIX = Buffer.from("302a300506032b6570032100", "hex");
const P = 2n ** 255n - 19n, ORDER = 2n ** 252n + 27742317777372353535851937790883648493n;

class Failed extends Error {}
class Malformed extends Error {}

function check(held, what) {
	if (!held)
		throw new Failed(what);
	console.log("ok", what);
}

function demand(held, what) {
	if (!held)
		throw new Malformed(what);
}

// --- reading ----------------------------------------------------------------------------------------------------------

// JSON.parse takes the last of two members with one name: the text, known to be JSON by then, is looked at once more.
function refuseTwice(text) {
	const stack = [];
	for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g)) {
		const top = stack[stack.length - 1];
		// to JSON.parse 1.0 is 1, and two integers that a double cannot tell apart are one
		demand(!/^-?\d/.test(token) || (!/[.eE]/.test(token) && Number.isSafeInteger(Number(token))), "a number that is no exact integer");
		demand(!/(?<!\\)(?:\\\\)*\\u0000/.test(token), "a NUL in a text");
		if (token === "{" || token === "[") {
			stack.push(token === "{" ? { names: new Set(), name: true } : {});
			demand(stack.length <= 33, "nested too deeply");
		} else if (token === "}" || token === "]") {
			stack.pop();
		} else if (top?.names && token === ",") {
			top.name = true;
		} else if (top?.names && top.name) {
			const name = JSON.parse(token);
			demand(!top.names.has(name), `${name} stands twice`);
			top.names.add(name);
			top.name = false;
		}
	}
}

function parse(bytes) {
	try {
		const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes), o = JSON.parse(text);
		demand(o !== null && typeof o === "object" && !Array.isArray(o), "not an object");
		refuseTwice(text);
		return o;
	} catch (e) {
		throw new Malformed(e.message);
	}
}

function decode(text) {
	demand(typeof text === "string" && !(/[-_]/.test(text) && /[+/]/.test(text)), "two base64 alphabets");
	const standard = text.replaceAll("-", "+").replaceAll("_", "/"), bytes = Buffer.from(standard, "base64");
	demand(bytes.toString("base64") === standard, "bad base64");
	return bytes;
}

const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");

function pae(payload, type = TYPE) {
	return Buffer.concat([Buffer.from(`DSSEv1 ${type.length} ${type} ${payload.length} `), payload]);
}

function canonical(o) {
	if (Array.isArray(o))
		return `[${o.map(canonical).join(",")}]`;
	if (o !== null && typeof o === "object")
		return `{${Object.keys(o).sort().map((k) => `${JSON.stringify(k)}:${canonical(o[k])}`).join(",")}}`;
	return JSON.stringify(o).replace(/\\(u[0-9a-f]{4}|.)/g, (all, x) => (x.length === 1 ? all : `\\u${x.slice(1).toUpperCase()}`));
}

// --- keys -----------------------------------------------------------------------------------------------------------------

const mod = (n) => ((n % P) + P) % P;

function power(base, exponent) {
	let result = 1n;
	for (base = mod(base); exponent; exponent >>= 1n, base = mod(base * base)) {
		if (exponent & 1n)
			result = mod(result * base);
	}
	return result;
}

const D = mod(-121665n * power(121666n, P - 2n));

function add([x1, y1], [x2, y2]) {
	const k = mod(D * x1 * x2 * y1 * y2);
	return [mod((x1 * y2 + x2 * y1) * power(1n + k, P - 2n)), mod((y1 * y2 + x1 * x2) * power(1n - k, P - 2n))];
}

// RFC 8032, 5.1.3; OpenSSL takes points of small order and encodings that are not canonical.
function inMainSubgroup(raw) {
	const number = BigInt(`0x${Buffer.from(raw).reverse().toString("hex")}`), y = number & (2n ** 255n - 1n), sign = number >> 255n;
	const square = mod((y * y - 1n) * power(D * y * y + 1n, P - 2n));
	let x = power(square, (P + 3n) / 8n);
	if (mod(x * x - square))
		x = mod(x * power(2n, (P - 1n) / 4n));
	if (y >= P || mod(x * x - square) || (x === 0n && sign))
		return false;
	let point = [(x & 1n) === sign ? x : P - x, y], result = [0n, 1n];
	const neutral = ([a, b]) => a === 0n && b === 1n;
	if (neutral(point))
		return false;
	for (let n = ORDER; n; n >>= 1n, point = add(point, point)) {
		if (n & 1n)
			result = add(result, point);
	}
	return neutral(result);
}

function takeKey(spki) {
	demand(spki.length === 44 && spki.subarray(0, 12).equals(PREFIX), "no Ed25519 key");
	check(inMainSubgroup(spki.subarray(12)), "a public key that may be used");
	return { id: sha256(spki), key: createPublicKey({ key: spki, format: "der", type: "spki" }) };
}

function checkSignature(name, { payload, sig }, { key }) {
	check(verify(null, pae(payload), key, sig), `${name}: signature`);
}

// --- the bundle ---------------------------------------------------------------------------------------------------------------

function readBundle(path) {
	const bytes = readFileSync(path), found = {};
	demand(bytes.length <= 1 << 24, "too large");
	for (let at = 0; at < bytes.length;) {
		const end = bytes.indexOf(10, at) < 0 ? bytes.length : bytes.indexOf(10, at);
		const envelope = parse(bytes.subarray(at, end));
		at = end + 1;
		if (!("payload" in envelope) && !("payloadType" in envelope))
			continue;
		demand(envelope.payloadType === TYPE, "another payloadType");
		const payload = decode(envelope.payload), statement = parse(payload);
		const kind = /^https:\/\/sandrun\.io\/(run-open|execution|run-close)\/v0\.1$/.exec(statement.predicateType)?.[1];
		if (!kind)
			continue;
		demand(statement._type === STATEMENT, `${kind}: another _type`);
		if (found[kind])
			throw new Failed(`${kind} twice`);
		demand(envelope.signatures.length === 1, `${kind}: not one signature`);
		found[kind] = { payload, statement, sig: decode(envelope.signatures[0].sig) };
	}
	demand(bytes.length > 0, "empty");
	if (Object.keys(found).length !== 3)
		throw new Failed("a line is missing");
	return found;
}

function checkForm(o, e, c) {
	const whole = (x) => x === null || Number.isSafeInteger(x), r = e.result;
	demand([o, e, c].every((p) => typeof p.runId === "string") && whole(o.sequence.counter) && whole(c.sequence.counter) &&
		e.plan.network === "none" && Number.isSafeInteger(c.ephemeralKey.signaturesIssued) && OUTCOMES.includes(r.outcome) &&
		whole(r.exitCode) && whole(r.signal) && ASSURANCES.includes(e.assurance), "a field has not the form that it must have");
}

function checkLinks(found, identity, ephemeral) {
	const [o, e, c] = ["run-open", "execution", "run-close"].map((k) => found[k].statement.predicate);
	checkForm(o, e, c);
	const opened = sha256(found["run-open"].payload), first = found.execution.statement.subject[0];
	check(o.worker.identityKeyId === identity.id, "run-open: this identity");
	check(found["run-open"].statement.subject[0].digest.sha256 === ephemeral.id, "run-open: subject");
	check(e.runOpen.digest.sha256 === opened && c.runOpen.digest.sha256 === opened, "both belong to this run-open");
	check(first.name === "run" && first.digest.sha256 === opened, "execution: subject");
	check(found["run-close"].statement.subject[0].digest.sha256 === sha256(found.execution.payload), "run-close: this execution");
	check(o.runId === e.runId && o.runId === c.runId, "one run id");
	check(canonical(o.challenge) === canonical(e.challenge), "one challenge");
	check(o.sequence.counter === c.sequence.counter, "one counter");
	check(c.ephemeralKey.keyId === ephemeral.id && c.ephemeralKey.state === "zeroed" && c.ephemeralKey.signaturesIssued === 1,
		"key destroyed");
	check(o.plan.digest.sha256 === sha256(canonical(e.plan)), "the plan of run-open");
	const report = createHash("sha512").update(pae(found["run-open"].payload, "application/vnd.sandrun.report-data.v1")).digest("hex");
	check(e.attestation.every((a) => a.reportData === report), "evidence made for this run");
}

function digestSet(d) {
	const names = Object.keys(d);
	return names.length === 1 && ["sha256", "sandrunHmacSha256V1"].includes(names[0]) && /^[0-9a-f]{64}$/.test(d[names[0]]);
}

function checkSense({ statement }, o) {
	const e = statement.predicate, r = e.result, names = statement.subject.map((s) => s.name);
	const digests = [...statement.subject, ...e.plan.inputs, e.plan.script, r.stdin].filter(Boolean);
	demand(digests.every((d) => digestSet(d.digest)), "a digest is neither one SHA-256 nor one commitment");
	check(new Set(names).size === names.length && !names.some((n) => /^\/|(^|\/)\.\.(\/|$)/.test(n)), "subjects");
	check(r.exitCode === null || r.signal === null, "no exit code beside a signal");
	check((r.outcome === "exited") === (r.exitCode !== null), "exit code fits outcome");
	check((r.outcome === "setup-failed") === (r.error !== null), "error fits outcome");
	check((r.outcome === "limit") === (r.limitHit !== null), "limit fits outcome");
	const start = r.startedAt ?? r.finishedAt;
	check(o.issuedAt <= start && start <= r.finishedAt && o.issuedAt <= o.expiresAt, "times");
	check((e.assurance === "self-asserted") === (e.attestation.length === 0), "assurance fits evidence");
	check(e.assurance !== "quote-present" || !e.attestation.some((a) => a.simulated), "nothing simulated counts");
	console.log("assurance", e.assurance);
}

function main([certificate, identityPem]) {
	const identity = takeKey(createPublicKey(readFileSync(identityPem)).export({ format: "der", type: "spki" }));
	const found = readBundle(certificate);
	checkSignature("run-open", found["run-open"], identity);
	const ephemeral = takeKey(decode(found["run-open"].statement.predicate.ephemeralKey.spki));
	checkSignature("execution", found.execution, ephemeral);
	checkSignature("run-close", found["run-close"], identity);
	checkLinks(found, identity, ephemeral);
	checkSense(found.execution, found["run-open"].statement.predicate);
}

try {
	main(process.argv.slice(2));
} catch (e) {
	// a message of the library's quotes what it could not read
	console.log(e instanceof Failed ? "FAILED" : "MALFORMED", e.message.replace(/[^ -~]/g, "?"));
	process.exitCode = e instanceof Failed ? 1 : 2;
}
