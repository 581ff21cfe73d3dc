// SPDX-License-Identifier: MIT
// Node's own parts, by its own test runner: node --test node-check.mjs
import assert from 'node:assert/strict';
import child_process from 'node:child_process';
import cluster from 'node:cluster';
import crypto from 'node:crypto';
import dgram from 'node:dgram';
import dns from 'node:dns/promises';
import events from 'node:events';
import fs from 'node:fs';
import fsp from 'node:fs/promises';
import http from 'node:http';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { test } from 'node:test';
import timers from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import util from 'node:util';
import worker_threads from 'node:worker_threads';
import zlib from 'node:zlib';

const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'node-check-'));
const at = (name) => path.join(scratch, name);

async function listening(server, ...where) {
	server.listen(...where);
	await events.once(server, 'listening');
	return server.address();
}

test('fs: write, append, read, stat, rename, remove', async () => {
	await fsp.writeFile(at('a'), 'one\n');
	await fsp.appendFile(at('a'), 'two\n');
	assert.equal(await fsp.readFile(at('a'), 'utf8'), 'one\ntwo\n');
	assert.equal((await fsp.stat(at('a'))).size, 8);
	await fsp.rename(at('a'), at('b'));
	await assert.rejects(fsp.access(at('a')), { code: 'ENOENT' });
	await fsp.rm(at('b'));
});

test('fs: folders, links, modes, copies', async () => {
	fs.mkdirSync(at('d/e/f'), { recursive: true });
	fs.writeFileSync(at('d/e/f/g'), 'x'.repeat(100000));
	fs.symlinkSync('d/e', at('link'));
	assert.equal(fs.realpathSync(at('link/f/g')), fs.realpathSync(at('d/e/f/g')));
	fs.linkSync(at('d/e/f/g'), at('hard'));
	assert.equal(fs.statSync(at('hard')).nlink, 2);
	fs.chmodSync(at('hard'), 0o640);
	assert.equal(fs.statSync(at('hard')).mode & 0o777, 0o640);
	fs.cpSync(at('d'), at('copy'), { recursive: true });
	assert.deepEqual(fs.readdirSync(at('copy'), { recursive: true }).sort(), ['e', 'e/f', 'e/f/g']);
	fs.rmSync(at('d'), { recursive: true });
	assert.equal(fs.existsSync(at('d')), false);
});

test('fs: watch sees a new file', async () => {
	const stop = new AbortController();
	const seen = (async () => {
		for await (const event of fsp.watch(scratch, { signal: stop.signal }))
			if (event.filename === 'watched')
				return event.eventType;
		return null;
	})();
	await timers.setTimeout(50);
	fs.writeFileSync(at('watched'), '');
	assert.equal(await seen, 'rename');
	stop.abort();
});

test('child_process: output, status, signal, input', async () => {
	const run = util.promisify(child_process.execFile);
	assert.equal((await run('sh', ['-c', 'echo out; echo err >&2'])).stdout, 'out\n');
	await assert.rejects(run('sh', ['-c', 'exit 3']), { code: 3 });
	const sleeper = child_process.spawn('sleep', ['60']);
	sleeper.kill('SIGTERM');
	assert.deepEqual(await events.once(sleeper, 'exit'), [null, 'SIGTERM']);
	assert.equal(child_process.execFileSync('tr', ['a-z', 'A-Z'], { input: 'abc' }).toString(), 'ABC');
	assert.equal(child_process.spawnSync('no-such-program').error.code, 'ENOENT');
});

test('child_process: fork and messages', async () => {
	fs.writeFileSync(at('child.cjs'), 
		'process.on("message", (m) => { process.send(m * 2); process.disconnect(); });');
	const child = child_process.fork(at('child.cjs'));
	child.send(21);
	assert.deepEqual((await events.once(child, 'message'))[0], 42);
	assert.deepEqual(await events.once(child, 'exit'), [0, null]);
});

test('worker_threads: messages, shared memory, Atomics', async () => {
	const shared = new SharedArrayBuffer(8);
	const code = `const { workerData, parentPort } = require('worker_threads');
		const n = new Int32Array(workerData);
		for (let i = 0; i < 10000; i++) Atomics.add(n, 0, 1);
		Atomics.notify(n, 0); parentPort.postMessage('done');`;
	const workers = Array.from({ length: 4 }, () =>
		new worker_threads.Worker(code, { eval: true, workerData: shared }));
	await Promise.all(workers.map((worker) => events.once(worker, 'exit')));
	assert.equal(new Int32Array(shared)[0], 40000);
});

test('crypto: digests, random bytes, ciphers, keys, signatures', async () => {
	assert.equal(crypto.createHash('sha256').update('abc').digest('hex'),
		'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
	assert.equal(crypto.randomBytes(32).length, 32);
	assert.match(crypto.randomUUID(), /^[0-9a-f-]{36}$/);
	assert.equal((await util.promisify(crypto.scrypt)('password', 'salt', 32)).length, 32);
	const key = crypto.randomBytes(32), iv = crypto.randomBytes(12);
	const cipher = crypto.createCipheriv('aes-256-gcm', key, iv);
	const text = Buffer.concat([cipher.update('secret'), cipher.final()]);
	const decipher = crypto.createDecipheriv('aes-256-gcm', key, iv).setAuthTag(cipher.getAuthTag());
	assert.equal(decipher.update(text, undefined, 'utf8') + decipher.final('utf8'), 'secret');
	const { publicKey, privateKey } = await util.promisify(crypto.generateKeyPair)('ed25519');
	const signature = crypto.sign(null, Buffer.from('x'), privateKey);
	assert.ok(crypto.verify(null, Buffer.from('x'), publicKey, signature));
	const rsa = await util.promisify(crypto.generateKeyPair)('rsa', { modulusLength: 2048 });
	assert.equal(rsa.privateKey.type, 'private');
});

test('http: a server and a client on the loopback', async () => {
	const server = http.createServer((request, response) => request.pipe(response));
	const { port } = await listening(server, 0, '127.0.0.1');
	const reply = await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', body: 'hello' });
	assert.equal(await reply.text(), 'hello');
	const many = await Promise.all(Array.from({ length: 50 }, (_, i) =>
		fetch(`http://localhost:${port}/`, { method: 'POST', body: String(i) }).then((r) => r.text())));
	assert.deepEqual(many, Array.from({ length: 50 }, (_, i) => String(i)));
	server.closeAllConnections();
	server.close();
});

test('net: IPv6 loopback and a socket in a folder', async () => {
	for (const where of [[0, '::1'], [at('socket')]]) {
		const server = net.createServer((connection) => connection.end('bye'));
		const address = await listening(server, ...where);
		const client = net.connect(address.port ? { port: address.port, host: '::1' } : { path: address });
		let text = '';
		for await (const chunk of client)
			text += chunk;
		assert.equal(text, 'bye');
		server.close();
	}
});

test('dgram: a datagram on the loopback', async () => {
	const a = dgram.createSocket('udp4'), b = dgram.createSocket('udp4');
	a.bind(0, '127.0.0.1');
	await events.once(a, 'listening');
	b.send('ping', a.address().port, '127.0.0.1');
	assert.equal(String((await events.once(a, 'message'))[0]), 'ping');
	a.close();
	b.close();
});

test('dns: localhost is known', async () => {
	assert.equal((await dns.lookup('localhost', { family: 4 })).address, '127.0.0.1');
});

test('zlib: gzip, brotli and a stream', async () => {
	const text = Buffer.from('sandrun '.repeat(50000));
	assert.ok(zlib.gunzipSync(zlib.gzipSync(text)).equals(text));
	assert.ok(zlib.brotliDecompressSync(zlib.brotliCompressSync(text)).equals(text));
	fs.writeFileSync(at('text'), text);
	await pipeline(fs.createReadStream(at('text')), zlib.createGzip(), fs.createWriteStream(at('text.gz')));
	assert.ok(zlib.gunzipSync(fs.readFileSync(at('text.gz'))).equals(text));
});

test('os and process: user, memory, processors, signals', async () => {
	assert.equal(os.userInfo().uid, process.getuid());
	assert.ok(os.userInfo().username.length > 0);
	assert.ok(os.totalmem() > 0 && os.cpus().length > 0 && os.availableParallelism() > 0);
	assert.ok(process.memoryUsage().rss > 0);
	const seen = events.once(process, 'SIGUSR2');
	process.kill(process.pid, 'SIGUSR2');
	// A signal alone does not keep the event loop going.
	assert.equal((await Promise.race([seen, timers.setTimeout(5000, ['nothing'])]))[0], 'SIGUSR2');
});

test('cluster: two workers share a port', async () => {
	fs.writeFileSync(at('cluster.cjs'), `const cluster = require('cluster'), http = require('http');
		if (cluster.isPrimary) {
			let ready = 0, seen = 0;
			for (let i = 0; i < 2; i++) cluster.fork();
			cluster.on('listening', async (worker, address) => {
				if (++ready < 2) return;
				for (let i = 0; i < 10; i++)
					seen += Number(await (await fetch('http://127.0.0.1:' + address.port)).text());
				console.log(seen);
				cluster.disconnect(() => process.exit(0));
			});
		} else {
			http.createServer((q, r) => { r.setHeader('connection', 'close'); r.end('1'); })
				.listen(0, '127.0.0.1');
		}`);
	assert.ok(cluster.isPrimary);
	const env = { ...process.env };
	delete env.NODE_TEST_CONTEXT;
	assert.equal(child_process.execFileSync(process.execPath, [at('cluster.cjs')], { env }).toString(), '10\n');
});

test('WebAssembly and a big heap', async () => {
	const add = new Uint8Array([
		0, 97, 115, 109, 1, 0, 0, 0, 1, 7, 1, 96, 2, 127, 127, 1, 127, 3, 2, 1, 0, 7, 7, 1, 3,
		97, 100, 100, 0, 0, 10, 9, 1, 7, 0, 32, 0, 32, 1, 106, 11]);
	const { instance } = await WebAssembly.instantiate(add);
	assert.equal(instance.exports.add(40, 2), 42);
	assert.ok(new WebAssembly.Memory({ initial: 256 }).buffer.byteLength === 256 * 65536);
	const big = Array.from({ length: 1000000 }, (_, i) => ({ i }));
	assert.equal(big.at(-1).i, 999999);
});

test('ES modules: import of a file and its own place', async () => {
	fs.writeFileSync(at('m.mjs'), 'export const where = import.meta.url; export default 5;');
	const m = await import(at('m.mjs'));
	assert.equal(m.default, 5);
	assert.equal(fs.realpathSync(fileURLToPath(m.where)), fs.realpathSync(at('m.mjs')));
});

test('the scratch folder goes', () => {
	fs.rmSync(scratch, { recursive: true });
	assert.equal(fs.existsSync(scratch), false);
});
