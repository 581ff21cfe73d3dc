function f(x) {
	return x.no.such;
}
console.log('before');
f({});
