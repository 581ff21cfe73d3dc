let pretty;
try {
  pretty = require('chalk');
} catch (e) {
  pretty = { red: s => s };
}
console.log(pretty.red('x'));
