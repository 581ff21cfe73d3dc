'use strict'
const express = require('express')
const app = express()
app.get('/', (req, res) => res.send(`hi ${req.query.name || "require('left-pad')"}`))
console.log(typeof app)
