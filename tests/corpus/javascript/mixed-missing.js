const _ = require('lodash')
const db = require('pg')
console.log(_, db)
