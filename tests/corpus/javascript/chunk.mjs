import chunk from 'lodash/chunk.js';
import { join } from 'node:path';
console.log(chunk([1, 2, 3], 2), join('a', 'b'));
