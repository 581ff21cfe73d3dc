const _ = require('lodash');
const { readFileSync } = require("fs");
console.log(_.chunk([1, 2, 3, 4], 2), typeof readFileSync);
