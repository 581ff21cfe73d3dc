const { Worker, isMainThread } = require('worker_threads');
const { promisify } = require('util');
const crypto = require('crypto');
console.log(isMainThread, promisify, crypto.randomUUID(), Worker);
