#!/usr/bin/env node
// SPDX-License-Identifier: MIT
//
// Verifies a sigstore bundle with the packages of the sigstore project: verify.mjs PACKAGES BUNDLE IDENTITY.pub.pem [STRICT]
//
// PACKAGES is a folder with node_modules. STRICT takes the thresholds of the package's own default, which want a timestamp
// and a transparency log: a bundle made offline has neither. Exit status: 0 accepted, 1 refused.
import { createPublicKey } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { resolve } from "node:path";

const [packages, bundlePath, keyPath, strict] = process.argv.slice(2);
const require = createRequire(`${resolve(packages)}/x.js`);
const { bundleFromJSON } = require("@sigstore/bundle");
const { Verifier, toSignedEntity, toTrustMaterial } = require("@sigstore/verify");

try {
	const bundle = bundleFromJSON(JSON.parse(readFileSync(bundlePath, "utf8")));
	const key = createPublicKey(readFileSync(keyPath));
	const der = key.export({ format: "der", type: "spki" });
	const material = toTrustMaterial({
		mediaType: "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
		certificateAuthorities: [], ctlogs: [], timestampAuthorities: [], tlogs: [],
	}, () => ({ publicKey: createPublicKey({ key: der, format: "der", type: "spki" }), validFor: () => true }));
	const thresholds = { ctlogThreshold: 0, timestampThreshold: 0, tlogThreshold: 0 };
	new Verifier(material, strict ? {} : thresholds).verify(toSignedEntity(bundle));
	const statement = JSON.parse(bundle.content.dsseEnvelope.payload);
	console.log("accepted", statement.predicateType);
} catch (e) {
	console.log("refused", e.code ?? e.name, e.message);
	process.exitCode = 1;
}
