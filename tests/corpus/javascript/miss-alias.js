const load = require;
const _ = load('lodash');
console.log(_.range(3));
