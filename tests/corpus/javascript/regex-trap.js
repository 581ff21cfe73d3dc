const quote = /['"`]/g, slash = /\/require\('lodash'\)/;
const half = (a, b) => (a + b) / 2 / 1; // require('axios')
console.log("it's".replace(quote, ''), half(1, 2), slash.test("/x/"));
