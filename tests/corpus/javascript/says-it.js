// sandrun: environment=node
console.log(process.version);
