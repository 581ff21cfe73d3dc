import utils from '#internal/utils';
import x from '/abs/x.js';
import y from 'https://example.org/y.js';
import z from 'data:text/javascript,export default 1';
console.log(utils, x, y, z);
