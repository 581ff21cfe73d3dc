const fs = require('fs');
const path = require('node:path');
for (const line of fs.readFileSync(0, 'utf8').split(/\r?\n/)) console.log(path.basename(line));
