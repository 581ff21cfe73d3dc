let i = 4, g = 2
const r = i++ / g; const s = '/'; const t = [i] / g
if (r) /x'/.test(s)
const axios = require('axios')
console.log(axios, r, t)
