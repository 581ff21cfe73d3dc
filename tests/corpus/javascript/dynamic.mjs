const { default: chalk } = await import('chalk');
const locale = process.env.LANG;
const x = await import(`./locale/${locale}.js`).catch(() => null);
console.log(chalk.red('a'), x);
