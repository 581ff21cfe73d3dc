const fs = require('fs');
for (const arg of process.argv.slice(2))
	console.log(`<${arg}>`);
console.log('grüße, 世界');
if (fs.existsSync('beside.txt'))
	process.stdout.write('beside: ' + fs.readFileSync('beside.txt', 'utf8'));
for (const line of fs.readFileSync(0, 'utf8').split('\n'))
	if (line)
		console.log('in: ' + line);
process.exitCode = 7;
