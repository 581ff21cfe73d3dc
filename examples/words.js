#!/usr/bin/env node
// SPDX-License-Identifier: MIT
// The most frequent words of standard input.
//
//     sandrun examples/words.js 5 < README.md
'use strict';

const limit = Number(process.argv[2] ?? 10);
if (!Number.isInteger(limit) || limit < 1) {
	console.error('usage: words.js [HOW-MANY]');
	process.exit(2);
}

const counts = new Map();
let text = '';
process.stdin.setEncoding('utf8');
process.stdin.on('data', (chunk) => { text += chunk; });
process.stdin.on('end', () => {
	for (const word of text.toLowerCase().match(/\p{L}+/gu) ?? [])
		counts.set(word, (counts.get(word) ?? 0) + 1);
	const order = [...counts].sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1));
	for (const [word, count] of order.slice(0, limit))
		console.log(`${String(count).padStart(6)} ${word}`);
});
