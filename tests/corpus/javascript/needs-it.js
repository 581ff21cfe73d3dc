let semver;
try { semver = require('semver'); }
catch (err) {
  console.error('npm install semver first');
  process.exit(1);
}
console.log(semver.valid('1.2.3'));
