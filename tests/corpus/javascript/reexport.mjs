export * from 'lodash';
export { v4 as uuid } from "uuid";
import './setup.js';
const from = 'axios'; console.log(from);
