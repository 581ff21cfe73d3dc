import data from './data.json' with { type: 'json' };
import { createRequire } from 'module';
const require = createRequire(import.meta.url);
const more = require('./more.json');
console.log(data, more);
