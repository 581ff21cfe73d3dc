const loader = { require(name) { return name }, import: (x) => x };
loader.require('lodash');
console.log(loader.import('chalk'), { from: 'axios' });
