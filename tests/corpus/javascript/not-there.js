import leftPad from 'left-pad'
import fs from 'fs/promises'
console.log(leftPad('x', 4), fs)
