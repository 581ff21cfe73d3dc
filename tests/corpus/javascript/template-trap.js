const code = `const x = require('axios'); ${1 + 1} import y from "yargs"`;
const dayjs = require('dayjs');
console.log(code, `${dayjs().year()}`, `${`nested ${'}'} `}`);
