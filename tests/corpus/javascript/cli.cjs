#!/usr/bin/env node
const { program } = require('commander');
program.option('-x', 'import things from "chalk"').parse();
console.log(program.opts());
