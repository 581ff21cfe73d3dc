/* const _ = require('lodash') */
// import x from 'chalk'
/**
 * @example require('uuid')
 */
console.log(require('os').cpus().length / 2);
