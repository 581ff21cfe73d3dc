import { parse } from '@babel/parser';
import * as http from 'node:http';
export { parse };
export default http.STATUS_CODES[200];
