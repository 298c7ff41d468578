// @ts-check
import { Socket } from 'node:net';

// Preloaded: a mail whose handling kills its worker. The process dies as it names the recipient to the mail server,
// which is before any commit, and so does every child process that tries the same mail.
const DEADLY = 'RCPT TO:<poison@';

Socket.prototype.write = new Proxy(Socket.prototype.write, {
  apply(write, socket, parts) {
    if (Buffer.from(parts[0]).toString('latin1').includes(DEADLY)) process.kill(process.pid, 'SIGKILL');
    return Reflect.apply(write, socket, parts);
  },
});
