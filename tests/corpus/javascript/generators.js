function* take(n) { while (n--) yield /a'b/.source }
class A { static x = {}; get y() { return this.z / 2 } }
const dayjs = require("dayjs"), [...rest] = take(2)
console.log(dayjs, rest, new A())
